"""What may never be changed again, kept by triggers of the database itself, on SQLite and PostgreSQL alike.

One list says which; `reinstall` makes the triggers of a connection's database match it. Migrations call it at
their end, because altering a table on SQLite copies it and drops its triggers.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

PREFIX = "frozen_"


@dataclass(frozen=True)
class Frozen:
    """Rows of `table` are frozen when `when` holds for the old row (SQL over `{row}`), always when it is empty.

    `guard_insert`: also refuse to add rows for which the condition holds (parts of something sealed).
    `may_blank`: columns that may still become NULL (erasure).
    """

    table: str
    when: str = ""
    guard_insert: bool = False
    may_blank: tuple[str, ...] = ()


_SEALED = "EXISTS (SELECT 1 FROM version v WHERE v.id = {row}.version_id AND v.sealed_at IS NOT NULL)"
_APPROVED = "EXISTS (SELECT 1 FROM minutes m WHERE m.id = {row}.minutes_id AND m.state = 'approved')"

FROZEN: tuple[Frozen, ...] = (
    Frozen("audit_entry"),
    Frozen("audit_seal"),
    Frozen("deletion"),
    Frozen("wording"),
    Frozen("change"),
    Frozen("lineage"),
    Frozen("version", "{row}.sealed_at IS NOT NULL"),
    Frozen("placement", _SEALED, guard_insert=True),
    Frozen("placed_link", _SEALED, guard_insert=True),
    Frozen("draft_act"),
    Frozen("fact"),
    Frozen("picture"),
    Frozen("moderation_act"),
    Frozen("disposition"),
    Frozen("disposition_release"),
    Frozen("minutes", "{row}.state = 'approved'"),
    Frozen("minutes_revision", _APPROVED, guard_insert=True),
    Frozen("minute_line", _APPROVED, guard_insert=True),
    Frozen("digest", "{row}.issued_at IS NOT NULL"),
    Frozen("contribution_text", may_blank=("body", "proposed")),
)


def _columns(connection: Connection, table: str) -> list[str]:
    return [column["name"] for column in inspect(connection).get_columns(table)]


def _unchanged(columns: list[str], may_blank: tuple[str, ...], distinct: str) -> str:
    """SQL: everything but the blankable columns is as before, and those are as before or NULL."""
    parts = [f"NOT (NEW.{c} {distinct} OLD.{c})" for c in columns if c not in may_blank]
    # A database on its way through the migrations may not have each of them yet.
    parts += [f"(NEW.{c} IS NULL OR NOT (NEW.{c} {distinct} OLD.{c}))" for c in may_blank if c in columns]
    return " AND ".join(parts)


def _sqlite(connection: Connection, rule: Frozen) -> list[str]:
    table, statements = rule.table, []
    message = f"{table} is frozen"
    for verb, row in (("UPDATE", "OLD"), ("DELETE", "OLD"), ("INSERT", "NEW")):
        if verb == "INSERT" and not rule.guard_insert:
            continue
        conditions = [rule.when.format(row=row)] if rule.when else []
        if verb == "UPDATE" and rule.guard_insert:
            # Moving a row into something sealed is as bad as adding one.
            conditions = [f"({rule.when.format(row='OLD')} OR {rule.when.format(row='NEW')})"]
        if verb == "UPDATE" and rule.may_blank:
            conditions.append(f"NOT ({_unchanged(_columns(connection, table), rule.may_blank, 'IS NOT')})")
        when = f"WHEN {' AND '.join(conditions)} " if conditions else ""
        statements.append(
            f"CREATE TRIGGER {PREFIX}{table}_{verb.lower()} BEFORE {verb} ON {table} FOR EACH ROW {when}"
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
    return statements


def _postgres(connection: Connection, rule: Frozen) -> list[str]:
    table = rule.table
    function = f"{PREFIX}{table}"
    old = rule.when.format(row="OLD") or "TRUE"
    new = rule.when.format(row="NEW") or "TRUE"
    update = old
    if rule.guard_insert:
        update = f"({old} OR {new})"
    if rule.may_blank:
        update += f" AND NOT ({_unchanged(_columns(connection, table), rule.may_blank, 'IS DISTINCT FROM')})"
    insert = f"IF {new} THEN RAISE EXCEPTION '{table} is frozen'; END IF;" if rule.guard_insert else ""
    body = f"""
        CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'TRUNCATE' THEN RAISE EXCEPTION '{table} is frozen'; END IF;
            IF TG_OP = 'INSERT' THEN {insert} RETURN NEW; END IF;
            IF TG_OP = 'DELETE' THEN
                IF {old} THEN RAISE EXCEPTION '{table} is frozen'; END IF;
                RETURN OLD;
            END IF;
            IF {update} THEN RAISE EXCEPTION '{table} is frozen'; END IF;
            RETURN NEW;
        END $$"""
    verbs = "INSERT OR UPDATE OR DELETE" if rule.guard_insert else "UPDATE OR DELETE"
    return [
        body,
        f"CREATE TRIGGER {function}_rows BEFORE {verbs} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()",
        f"CREATE TRIGGER {function}_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
    ]


def remove(connection: Connection) -> None:
    """Drop every trigger of ours. For migrations only."""
    if connection.dialect.name == "sqlite":
        names = connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE :p"),
            {"p": f"{PREFIX}%"},
        ).scalars()
        for name in list(names):
            connection.execute(text(f"DROP TRIGGER {name}"))
        return
    functions = connection.execute(
        text(
            "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
            " WHERE n.nspname = current_schema() AND p.proname LIKE :p"
        ),
        {"p": f"{PREFIX}%"},
    ).scalars()
    for name in list(functions):
        connection.execute(text(f"DROP FUNCTION {name}() CASCADE"))


def reinstall(connection: Connection) -> None:
    """Make the triggers match the list, for the tables that exist now."""
    remove(connection)
    tables = set(inspect(connection).get_table_names())
    build = _sqlite if connection.dialect.name == "sqlite" else _postgres
    for rule in FROZEN:
        if rule.table in tables:
            for statement in build(connection, rule):
                connection.exec_driver_sql(statement)
