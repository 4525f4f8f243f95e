"""Operations on many executions: what is asked of whom, and the loop that carries it out."""
