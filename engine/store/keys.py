"""Every key, its Redis type and its hash tag: the data model on one page.

All keys of one execution, and every set that its commits touch, carry the hash tag of the execution's partition, so
that each script stays in one Redis Cluster slot. P is the prefix, {07} the partition, NS the namespace, and a
*ref* is "NS:definition:name". Names cannot hold ":", "/", "{", "}", "#" or white space, so no two things share a key.

of an execution (ID is "definition:name")
  P:{07}:NS:x:ID             hash    rev own until claims status ver ready paused m s input key tell f:<frame> ... (see codec.py)
  P:{07}:NS:x:ID:in          list    inbox: "<frame>|<leased ms>|<worker>|<event>"
  P:{07}:NS:x:ID:ctl         list    control events, applied before the inbox
  P:{07}:NS:x:ID:h           list    history records
  P:{07}:NS:x:ID:v           hash    values: Map pages and results, buffered signals
  P:{07}:NS:x:ID:p           hash    payloads: name -> text, "#"<name> -> number of references (see referring.py)
  P:{07}:NS:x:ID:o           list    outcomes of the last 100 tasks: "<frame>@<rev> <proof> <digest> <how>"
  P:{07}:NS:x:ID:sig         zset    ids of the last 10,000 accepted signals, by ms
  P:{07}:NS:x:ID:sf          hash    what became of each of them: id -> packed Fate
  P:{07}:NS:x:ID:no          string  key of a nested start that was taken back before it happened; expires
of a partition
  P:{07}:ready               zset    ref, by the ms from which it may be claimed
  P:{07}:timers              zset    "<ref>/<frame>@<rev>#<kind>", by due ms
  P:{07}:tasks               hash    task id "<ref>/<frame>@<rev>" -> "<secret>|<task>"; errands too (see errands.py)
  P:{07}:leases              hash    task id -> "<lease>|<since ms>|<until ms>|<worker>"
  P:{07}:queues              set     "NS:queue" of each queue that is not empty
  P:{07}:closed              zset    ref, by the ms from which it may be pruned
  P:{07}:paused              hash    ref of each paused execution; id of each task of theirs that was taken out of its queue
  P:{07}:mark                string  written and removed before each WAIT, where replicas are awaited; in other slots likewise
  P:{07}:NS:q:QUEUE          zset    task ids, oldest first
  P:{07}:NS:definitions      hash    definition -> version that new executions start on; "-<last>": it was deleted;
                                     "definition:first" -> its first version since it was made
  P:{07}:NS:ix:DEF:STATUS    zset    execution ids, by start ms; with an empty DEF, those of every definition
  P:{07}:NS:at:DEF:STATE     zset    ids of running executions that rest there, by start ms
  P:{07}:NS:by:DEF:NAME:VALUE  zset  ids by the value of a search attribute, by start ms; a long or odd VALUE as its hash
  P:{07}:NS:err:DEF:ERROR    zset    ids of closed executions by their error, by start ms; ERROR likewise
  P:{07}:NS:vs:DEF           zset    "<version>:<start ms>:<id>" of running executions, all of score 0
  P:{07}:NS:quarantined      zset    ids of executions that are set aside, by start ms
  P:{07}:NS:open             string  number of running executions
  P:{07}:NS:op:ID            hash    answers to an operation: outcome -> count, "x:<id>" -> reason; of one order ("@...") it expires
  P:{07}:NS:ch               stream  changes of executions for followers, by ms (see feed.py)
  P:{07}:NS:ch:bell          string  there while a follower wants to hear of the next change; expires
  P:{07}:NS:op:ID            hash    answers to an operation on many executions: outcome -> count, "x:<id>" -> reason
  P:{07}:NS:op:ID:out        set     ids of executions that have not answered yet
of a Map Run (its ref is "NS:DEF~LABEL:RUN"; all but the last two lie in the partition of that ref)
  P:{07}:NS:mr:DEF~LABEL:RUN     hash    status own task claims next item sure ... (see maps/runs.py)
  P:{07}:NS:mr:DEF~LABEL:RUN:out   set     indexes of its children that are out: to be started, or not known to have ended
  P:{07}:NS:mr:DEF~LABEL:RUN:res   hash    child index -> packed result, until the output is made or a part is written
  P:{07}:NS:mr:DEF~LABEL:RUN:left  string  one bit for each child that ended without success, for a redrive
  P:{07}:NS:mr:DEF~LABEL:RUN:end   hash    in the partition of each child: index -> how it ended, until the run has taken
                                       that; "by": claims of the run, below which none may start its children here any more
  P:{07}:NS:mrs:ID               zset    Map Runs of an execution, in its partition: "DEF~LABEL:RUN", by ms of their start
of the whole store
  P:{store}:layout           hash    layout version, number of partitions, identity
  P:{catalog}:NS:definitions hash    definition -> "<newest version> <ms>"; deleted: "-<last version> <ms>"
  P:{catalog}:NS:d:DEF       hash    current hash created type first born deleted v:<n> -> packed version, with its text
  P:{catalog}:NS:p:DEF       hash    profile: rev last count tags v:<published> r:<version> a:<alias> (see profiles.py)
  P:{catalog}:NS:a:DEF       hash    alias -> "<created ms> <updated ms> <routing>" (see aliases.py)
  P:{catalog}:NS:untold      zset    "DEF <version> <first>", "DEF -<version> 1" for a deletion: what partitions may not know, by ms
  P:{catalog}:NS:activities  hash    activity -> "<created ms> <row>" (see catalog/activities.py)
  P:{catalog}:NS:activities:deleted  zset  names of deleted activities, by ms
  P:{catalog}:NS:operations  zset    ids of operations on many executions, by ms
  P:{catalog}:NS:o:ID        hash    created finished status asked own until place seen sent done
  P:{catalog}:NS:active      set     ids of operations that have not ended
channels
  P:bell                     "<sender> activities -": one was deleted, or made again
  P:bell                     "<sender> ready <ref>", "<sender> queue <ref> NS:QUEUE", "<sender> operation ID",
                             "<sender> map <child's ref> <run's ref>"
  P:changes                  "<ref>" or "<ref> closed": commits of executions that somebody watches
  P:feed                     "<ref>": a change for which a bell was armed
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from functools import lru_cache

LAYOUT_VERSION = 1

ORDER = "@"  # opens the operation of an order to one execution; its answer is kept for an hour
ORDER_KEPT_MS = 3_600_000
OPERATION_KEPT_MS = 90 * 24 * 3_600_000  # as long as closed executions are by default


class ExecutionKeys:
    """The keys of one execution and of its partition, spelled once."""

    __slots__ = (
        "control",
        "execution",
        "fates",
        "history",
        "inbox",
        "outcomes",
        "partition",
        "payloads",
        "ref",
        "refused",
        "seen",
        "tag",
        "values",
    )

    def __init__(self, prefix: str, partition: int, ref: str) -> None:
        self.ref = ref
        self.partition = partition
        self.tag = f"{prefix}:{{{partition:02d}}}"
        namespace, _, identifier = ref.partition(":")
        self.execution = f"{self.tag}:{namespace}:x:{identifier}"
        self.inbox = self.execution + ":in"
        self.control = self.execution + ":ctl"
        self.history = self.execution + ":h"
        self.values = self.execution + ":v"
        self.outcomes = self.execution + ":o"
        self.seen = self.execution + ":sig"
        self.payloads = self.execution + ":p"
        self.fates = self.execution + ":sf"
        self.refused = self.execution + ":no"


class MapRunKeys:
    """The keys of one Map Run that lie in its own partition."""

    __slots__ = ("left", "out", "partition", "ref", "results", "run")

    def __init__(self, tag: str, partition: int, ref: str) -> None:
        self.ref = ref
        self.partition = partition
        namespace, _, identifier = ref.partition(":")
        self.run = f"{tag}:{namespace}:mr:{identifier}"
        self.out = self.run + ":out"
        self.results = self.run + ":res"
        self.left = self.run + ":left"


class Keys:
    """Spells keys for one prefix and one number of partitions. Both are fixed at the store's first use."""

    def __init__(self, prefix: str, partitions: int) -> None:
        self.prefix = prefix
        self.partitions = partitions
        self.layout = f"{prefix}:{{store}}:layout"
        self.bell = f"{prefix}:bell"
        self.sender = secrets.token_hex(4)  # this process: it need not hear its own bell
        self.ringer = f"{self.bell} {self.sender}"
        self.changes = f"{prefix}:changes"
        self.feed = f"{prefix}:feed"
        self.of = lru_cache(maxsize=4096)(self._of)

    def _of(self, ref: str) -> ExecutionKeys:
        return ExecutionKeys(self.prefix, self.partition_of(ref), ref)

    def partition_of(self, ref: str) -> int:
        """The partition a ref lies in; the same in every process and for ever."""
        return zlib.crc32(ref.encode()) % self.partitions

    def tag(self, partition: int) -> str:
        return f"{self.prefix}:{{{partition:02d}}}"

    def ready(self, partition: int) -> str:
        return f"{self.tag(partition)}:ready"

    def timers(self, partition: int) -> str:
        return f"{self.tag(partition)}:timers"

    def tasks(self, partition: int) -> str:
        return f"{self.tag(partition)}:tasks"

    def leases(self, partition: int) -> str:
        return f"{self.tag(partition)}:leases"

    def queues(self, partition: int) -> str:
        return f"{self.tag(partition)}:queues"

    def closed(self, partition: int) -> str:
        return f"{self.tag(partition)}:closed"

    def queue(self, partition: int, namespace: str, queue: str) -> str:
        return f"{self.tag(partition)}:{namespace}:q:{queue}"

    def definitions(self, partition: int, namespace: str) -> str:
        return f"{self.tag(partition)}:{namespace}:definitions"

    def index(self, partition: int, namespace: str, definition: str, status: str) -> str:
        """Index of executions by status, of one definition or ("") of all."""
        return f"{self.tag(partition)}:{namespace}:ix:{definition}:{status}"

    def resting(self, partition: int, namespace: str, definition: str, state: str) -> str:
        """Index of running executions by the state they rest in. Braces of a state's name cannot reach the hash tag."""
        return f"{self.tag(partition)}:{namespace}:at:{definition}:{state}"

    def attribute(
        self, partition: int, namespace: str, definition: str, name: str, value: str
    ) -> str:
        """Index of executions by the value of a search attribute, written as text."""
        return f"{self.tag(partition)}:{namespace}:by:{definition}:{name}:{_short(value)}"

    def failed(self, partition: int, namespace: str, definition: str, error: str) -> str:
        """Index of closed executions by their error."""
        return f"{self.tag(partition)}:{namespace}:err:{definition}:{_short(error)}"

    def versions(self, partition: int, namespace: str, definition: str) -> str:
        """Index of running executions by version. One key for all versions: a start resolves its version in the script."""
        return f"{self.tag(partition)}:{namespace}:vs:{definition}"

    def quarantined(self, partition: int, namespace: str) -> str:
        """Index of executions that are set aside, by start."""
        return f"{self.tag(partition)}:{namespace}:quarantined"

    def open(self, partition: int, namespace: str) -> str:
        return f"{self.tag(partition)}:{namespace}:open"

    def changes_of(self, partition: int, namespace: str) -> tuple[str, str]:
        """The stream of changes in a partition, and the bell of its followers."""
        stream = f"{self.tag(partition)}:{namespace}:ch"
        return stream, stream + ":bell"

    def operation(self, partition: int, namespace: str, identifier: str) -> tuple[str, str]:
        """(answers, ids that have not answered) of an operation on many executions in a partition."""
        answers = f"{self.tag(partition)}:{namespace}:op:{identifier}"
        return answers, answers + ":out"

    def map_run(self, ref: str) -> MapRunKeys:
        partition = self.partition_of(ref)
        return MapRunKeys(self.tag(partition), partition, ref)

    def map_ends(self, partition: int, ref: str) -> str:
        """What the children of a Map Run that lie in a partition have to tell of their ends."""
        namespace, _, identifier = ref.partition(":")
        return f"{self.tag(partition)}:{namespace}:mr:{identifier}:end"

    def map_runs(self, ref: str) -> str:
        """The Map Runs of the execution of that ref."""
        namespace, _, identifier = ref.partition(":")
        return f"{self.tag(self.partition_of(ref))}:{namespace}:mrs:{identifier}"

    def catalog(self, namespace: str) -> str:
        return f"{self.prefix}:{{catalog}}:{namespace}:definitions"

    def untold(self, namespace: str) -> str:
        return f"{self.prefix}:{{catalog}}:{namespace}:untold"

    def definition(self, namespace: str, name: str) -> str:
        return f"{self.prefix}:{{catalog}}:{namespace}:d:{name}"

    def asked(self, namespace: str, operation: str) -> str:
        return f"{self.prefix}:{{catalog}}:{namespace}:o:{operation}"

    def operations(self, namespace: str) -> str:
        return f"{self.prefix}:{{catalog}}:{namespace}:operations"

    def active_operations(self, namespace: str) -> str:
        return f"{self.prefix}:{{catalog}}:{namespace}:active"

    def profile(self, namespace: str, name: str) -> str:
        return f"{self.prefix}:{{catalog}}:{namespace}:p:{name}"

    def activities(self, namespace: str) -> tuple[str, str]:
        """Activities, and the names of those that were deleted."""
        key = f"{self.prefix}:{{catalog}}:{namespace}:activities"
        return key, key + ":deleted"

    def aliases(self, namespace: str, name: str) -> str:
        return f"{self.prefix}:{{catalog}}:{namespace}:a:{name}"


def _short(text: str) -> str:
    """The text as a part of a key, or its hash where that is shorter or the text would be hard to read."""
    if _PLAIN.fullmatch(text):
        return text
    return "#" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


_PLAIN = re.compile(r"[!\"$-~][!-~]{0,32}")


def versioned(version: int, started_ms: int, execution: str) -> str:
    """A member of the index by version: sorts by version, start and id. create_execution.lua writes the same."""
    return f"{versions_prefix(version)}{started_ms:013d}:{execution}"


def versions_prefix(version: int) -> str:
    """What members of that version begin with: the number after its length, so that 10 sorts after 9."""
    digits = str(version)
    return f"{chr(ord('a') + len(digits))}{digits}:"


def listed_as(definition: str) -> tuple[str, ...]:
    """The definitions in whose indexes an execution is: its own, and "" for all, in which children of Map Runs are not."""
    return (definition,) if "~" in definition else (definition, "")


def kept_ms(operation: str) -> int:
    """How long the answers to an operation are kept after the last of them: on one execution, or on many."""
    return ORDER_KEPT_MS if operation.startswith(ORDER) else OPERATION_KEPT_MS


def ref_of(namespace: str, execution: str) -> str:
    """The ref of an execution id ("definition:name") in a namespace."""
    return f"{namespace}:{execution}"


def task_id(ref: str, frame: str, revision: int) -> str:
    return f"{ref}/{frame}@{revision}"


def split_task_id(identifier: str) -> tuple[str, str, int]:
    """(ref, frame, revision) of a task id or of what precedes "#" in a timer. Frame "" is the machine's deadline."""
    head, _, revision = identifier.rpartition("@")
    ref, _, frame = head.partition("/")
    return ref, frame, int(revision)
