"""Topics and targets: the labels there are, read from `schema.toml`."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from talante.corpus.files import cannot_read
from talante.errors import DataError, nearest

LANGUAGES = ("en", "es")


@dataclass(frozen=True, slots=True)
class Topic:
    """An entry of the taxonomy.

    ``words`` by language: what articles on it are bound to use. ``code``: IPTC Media Topic or ISO 3166 country.
    """

    id: str
    name: Mapping[str, str]
    definition: str
    words: Mapping[str, tuple[str, ...]]
    code: str = ""


@dataclass(frozen=True, slots=True)
class GuardedAlias:
    """An ambiguous alias: it counts only in an article that also contains one of ``needs``."""

    alias: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """What a stance is about. ``aliases`` by language, ``excluded``: longer phrases that mean something else.

    ``assumed``: every article is taken to treat it, whether it names it or not, as in a set of posts collected about
    one question.
    """

    id: str
    name: Mapping[str, str]
    definition: str
    aliases: Mapping[str, tuple[str, ...]]
    guarded: tuple[GuardedAlias, ...] = ()
    excluded: tuple[str, ...] = ()
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """All labels, in the order of the file."""

    topics: tuple[Topic, ...]
    targets: tuple[Target, ...]

    @property
    def topic_ids(self) -> tuple[str, ...]:
        """Return the topic ids in order."""
        return tuple(topic.id for topic in self.topics)

    @property
    def target_ids(self) -> tuple[str, ...]:
        """Return the target ids in order."""
        return tuple(target.id for target in self.targets)

    @property
    def assumed(self) -> tuple[str, ...]:
        """Return the ids of the targets that every article is taken to treat."""
        return tuple(target.id for target in self.targets if target.assumed)

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `schema_from_data` reads back."""
        return asdict(self)


def load_schema(path: Path) -> Schema:
    """Read a schema file.

    Raises DataError, which names the file and the entry, when something is missing, doubled or misspelled.
    """
    import tomllib  # a model brings its schema as JSON

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            "no schema here",
            place=str(path),
            remedy="a data folder needs schema.toml; data/schema.toml of talante is one",
        ) from None
    except OSError as error:
        raise DataError(cannot_read(error), place=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"not valid TOML: {error}", place=str(path)) from None
    return schema_from_data({"topics": data.get("topic", []), "targets": data.get("target", [])}, str(path))


def schema_from_data(data: Mapping[str, Any], place: str) -> Schema:
    """Build a schema from plain data, such as a model's card holds."""
    topics = tuple(_topic(entry, place) for entry in data["topics"])
    targets = tuple(_target(entry, place) for entry in data["targets"])
    for kind, ids in (("topic", [t.id for t in topics]), ("target", [t.id for t in targets])):
        doubled = {i for i in ids if ids.count(i) > 1}
        if doubled:
            raise DataError(f"{kind} '{min(doubled)}' is defined twice", place=place)
    if not topics and not targets:
        raise DataError("defines neither a topic nor a target", place=place, remedy="add [[topic]] or [[target]]")
    return Schema(topics, targets)


def _fields(entry: Any, known: Iterable[str], kind: str, place: str) -> dict[str, Any]:
    if not isinstance(entry, dict) or not entry.get("id") or not isinstance(entry["id"], str):
        raise DataError(f"a {kind} without an id", place=place, remedy='give it id = "..."')
    known = list(known)
    for field in entry:
        if field not in known:
            raise DataError(
                f"{kind} '{entry['id']}' has an unknown field '{field}'", place=place, remedy=nearest(field, known)
            )
    return entry


def _topic(entry: Any, place: str) -> Topic:
    e = _fields(entry, ("id", "name", "definition", "words", "code", "iptc", "country"), "topic", place)
    code = e.get("code", "") or e.get("iptc", {}).get("code", "") or e.get("country", "")
    return Topic(e["id"], dict(e.get("name", {})), e.get("definition", ""), _by_language(e, "words", place), code)


def _target(entry: Any, place: str) -> Target:
    e = _fields(entry, ("id", "name", "definition", "aliases", "guarded", "excluded", "assumed"), "target", place)
    aliases = _by_language(e, "aliases", place)
    assumed = e.get("assumed", False)
    if not isinstance(assumed, bool):
        raise DataError(f"target '{e['id']}': assumed must be true or false", place=place)
    if not any(aliases.values()) and not assumed:
        raise DataError(f"target '{e['id']}' has no aliases", place=place, remedy="add aliases.en or aliases.es")
    guarded = []
    for g in e.get("guarded", ()):
        if not isinstance(g, dict) or not g.get("alias") or not g.get("needs"):
            raise DataError(f"target '{e['id']}': a guarded alias needs 'alias' and 'needs'", place=place)
        guarded.append(GuardedAlias(g["alias"], _phrases(g["needs"], e["id"], place)))
    excluded = _phrases(e.get("excluded", ()), e["id"], place)
    return Target(e["id"], dict(e.get("name", {})), e.get("definition", ""), aliases, tuple(guarded), excluded, assumed)


def _by_language(entry: Mapping[str, Any], field: str, place: str) -> dict[str, tuple[str, ...]]:
    lists = entry.get(field, {})
    if not isinstance(lists, dict):
        raise DataError(
            f"'{entry['id']}': {field} must be lists by language", place=place, remedy=f"{field}.en = [...]"
        )
    return {lang: _phrases(phrases, entry["id"], place) for lang, phrases in lists.items()}


def _phrases(phrases: Any, label: str, place: str) -> tuple[str, ...]:
    if isinstance(phrases, str) or not all(isinstance(p, str) and p[:1].isalnum() for p in phrases):
        raise DataError(f"'{label}': words and aliases must be strings that begin with a letter or digit", place=place)
    return tuple(phrases)
