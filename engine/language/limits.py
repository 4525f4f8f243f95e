"""How large a definition may be. Each bound keeps a hostile text of that size from costing more than a moment."""

from __future__ import annotations

TEXT_BYTES_MAX = 1_048_576  # 1 MiB of UTF-8, as on AWS
DEPTH_MAX = 64  # objects and lists inside one another
VALUES_MAX = 150_000  # keys and values of one document, aliases expanded; 1 MiB of ordinary definition has 130,000
ALIASES_MAX = 100  # YAML aliases in one document
ALIAS_VALUES_MAX = 2_000  # keys and values that aliases may add: refuses "billion laughs" before anything is expanded
PROBLEMS_MAX = 1_000  # problems reported of one definition; errors go before warnings
FAULTS_MAX = (
    2_000  # schema errors looked at; each costs up to 1 ms to make, and a mistake makes up to 8
)
SUGGESTIONS_MAX = 50  # did-you-mean searches for one definition; each costs up to 1 ms
CONSEQUENCES_MAX = 1_000  # of what AWS says besides; all problems of one definition together
KEY_CHARACTERS_MAX = 200  # of one key in a place as AWS has it; a name may be as long as the text
MESSAGE_CHARACTERS_MAX = 2_000  # of one message as AWS has it; its own longest has 1,000
STATE_NAME_MAX = 80  # characters, as on AWS
ATTRIBUTES_MAX = 10  # search attributes of one definition; each is an index that commits write
