"""The core: machine + execution + event -> transition. Pure: no clock, no chance, no I/O."""
