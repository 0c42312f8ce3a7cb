"""The bot's SQLite rows, in the columns that operators may rely on; and the means to lose or falsify them."""

import sqlite3
from contextlib import closing
from pathlib import Path

COLUMNS = {
    "matrix_user": ["user_id", "space_id", "display_name", "next_chat_index"],
    "matrix_room": [
        "room_id",
        "room_type",
        "chat_id",
        "display_name",
        "matrix_user_id",
        "space_id",
        "agent_id",
        "platform_chat_id",
    ],
    "chat": ["user_id", "chat_id", "platform", "surface_ref", "name", "status"],
}


class Projection:
    """One database file. Falsifying is for a stopped bot only; reading is always possible."""

    def __init__(self, path: Path):
        self.path = path

    def rows(self, table: str) -> list[dict]:
        """All rows of a table in the documented columns, in a fixed order."""
        columns = COLUMNS[table]
        with closing(self._open()) as database:
            found = database.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1, 2").fetchall()
        return [dict(zip(columns, row)) for row in found]

    def everything(self) -> dict[str, list[dict]]:
        """All three tables: what must be the same before and after a loss."""
        return {table: self.rows(table) for table in COLUMNS}

    def one(self, table: str, **where) -> dict:
        """The only row with these values."""
        found = [row for row in self.rows(table) if all(row[key] == value for key, value in where.items())]
        assert len(found) == 1, f"{len(found)} rows in {table} with {where}: {self.rows(table)}"
        return found[0]

    def falsify(self, statement: str, **names: str | None) -> None:
        """Changes rows behind the bot's back, whether or not they refer to others that exist."""
        with closing(self._open()) as database:
            database.execute("PRAGMA foreign_keys = OFF")
            changed = database.execute(statement, names).rowcount
            database.commit()
        assert changed > 0, f"nothing to falsify by {statement} {names}"

    def add_copy(self, table: str, where: dict, changes: dict) -> None:
        """Adds a row like an existing one with some values changed: other columns keep what the bot put there."""
        with closing(self._open()) as database:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA foreign_keys = OFF")
            condition = " AND ".join(f"{key} = ?" for key in where)
            original = database.execute(f"SELECT * FROM {table} WHERE {condition}", tuple(where.values())).fetchone()
            row = dict(original) | changes
            marks = ", ".join("?" for _ in row)
            database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
            database.commit()

    def pretend_newer(self) -> None:
        """Makes the file look as if a later release had written it."""
        with closing(self._open()) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            assert version > 0, "the schema's version is expected in PRAGMA user_version"
            database.execute(f"PRAGMA user_version = {version + 1000}")
            database.commit()
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        assert self.path.exists(), f"{self.path.name} is not there"
        return sqlite3.connect(self.path, timeout=10)
