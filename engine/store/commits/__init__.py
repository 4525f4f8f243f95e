"""Building commits: what a transition changes, as the KEYS and ARGV of commit.lua. No I/O."""

from engine.store.commits.commits import Commits
from engine.store.commits.parts import Claim, Commit, sent

__all__ = ["Claim", "Commit", "Commits", "sent"]
