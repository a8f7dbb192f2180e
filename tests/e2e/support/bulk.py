"""Many bookings in one transaction, straight in MySQL: they come to the projector as one batch, or as few."""

from datetime import UTC, datetime, timedelta


def book(mysql, room, user: str, rows: int) -> None:
    """An hour each, every six hours, from the day after tomorrow on."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    with mysql.cursor() as cursor:
        cursor.execute("SET SESSION cte_max_recursion_depth = 100000")
        cursor.execute(
            "INSERT INTO reservation (id, room_id, user_id, starts_at, ends_at)"
            " WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %s)"
            " SELECT UUID_TO_BIN(UUID()), %s, %s, %s + INTERVAL 6 * i HOUR, %s + INTERVAL 6 * i + 1 HOUR FROM n",
            (rows, room["id"], user, start, start),
        )
