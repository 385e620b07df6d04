"""Deliver events: on time, late, twice, in an envelope, among rejected records.

Records wait in one list per minute of delivery until that minute is flushed. So what is held is what sessions
in progress will still send, plus the late arrivals and copies, whose number is limited.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random

from loaders.sample.clock import MINUTES_PER_DAY, MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, Window
from loaders.sample.containers import CSV, LINES, Container, Timetable, csv_day
from loaders.sample.dirt import Dirt, reordered
from loaders.sample.formats import (
    in_bare_envelope,
    in_data_envelope,
    in_kinesis_envelope,
    in_url_safe_envelope,
    render,
    render_csv,
)
from loaders.sample.manifest import Tally
from loaders.sample.sessions import CLICKSTREAM, COMMERCE, LEGACY, NESTED, Session
from loaders.sample.writer import Landing

MAX_PARKED_RECORDS = 200_000
_LATE_SHARE = 0.008
_COPY_SHARE = 0.012
_REJECT_SHARE = 0.008
_RECORDS_PER_BLANK_LINE = 250
_RECORDS_PER_SEPARATOR = 400
_SEPARATORS = ("\ufeff", "\0\0", "\x1e")
_RECORDS_BEFORE_LARGE = 4_000
_WITH_IDS = (LEGACY, NESTED, COMMERCE, CLICKSTREAM)
_EVENING_MS = 23 * MS_PER_HOUR
_EVENINGS_PER_COPY = 4
_LONGEST_DELAY_MINUTES = 4 * MINUTES_PER_DAY
_LONGEST_COPY_DELAY_MINUTES = 3 * MINUTES_PER_DAY


class Delivery:
    """Brings the events of sessions to the landing area.

    Call `send` for the sessions that start in a minute, then `flush` for that minute; minutes in order.

    Args:
        seed: decides what is late, copied or rejected.
        window: the days of the call; nothing is delivered after them.
        landing: takes the records.
        tally: gets the counts.
    """

    def __init__(self, seed: int, window: Window, landing: Landing, tally: Tally) -> None:
        self._seed = seed
        self._landing = landing
        self._tally = tally
        self._timetable = Timetable(window)
        self._archive_end_ms = window.day_ms(window.first_day + window.archive_days)
        self._rng = Random()
        self._dirt = Dirt(seed, window.first_day)
        self._minutes: defaultdict[int, list[str]] = defaultdict(list)
        self._parked: Counter[int] = Counter()
        self._parked_total = 0
        self._rejects_due = 0.0
        self._csv_rejects_due = 0.0
        self._blank_lines_due = 0.0
        self._separators_due = 0.0
        self._records = 0
        self._has_large = False
        self._evenings = 0

    def start_day(self, day: int) -> None:
        """Go to a day of the world."""
        self._rng = Random(f"{self._seed}/delivery/{day}")

    def send(self, session: Session) -> None:
        """Take over all events of a session."""
        steps, texts, begin = session.steps, render(session), 0
        if session.is_csv:
            begin = self._send_csv(session)
        if session.envelope or session.delay_minutes or session.no_time_index >= 0:
            for index in range(begin, len(steps)):
                self._send_with_care(session, index, texts[index])
            return
        random, minutes = self._rng.random, self._minutes
        end = len(steps)
        if steps[-1].at % MS_PER_DAY >= _EVENING_MS and self._is_copied_over_midnight(session):
            end -= 1
            self._send_over_midnight(session, texts[end])
        for index in range(begin, end):
            if random() < _LATE_SHARE + _COPY_SHARE:
                self._send_special(session, index, texts[index])
            else:
                minutes[steps[index].at // MS_PER_MINUTE].append(texts[index])

    def flush(self, minute: int) -> None:
        """Write what is delivered in a minute, given in minutes since the epoch."""
        records = self._minutes.pop(minute, None)
        if not records:
            return
        self._parked_total -= self._parked.pop(minute, 0)
        container = self._timetable.at(minute)
        self._rejects_due += len(records) * _REJECT_SHARE
        self._insert_rejects(records, container, minute)
        self._records += len(records)
        blank_lines = 0
        if container.framing == LINES:
            self._put_separators(records)
            if container.is_gzipped and not self._has_large and self._records > _RECORDS_BEFORE_LARGE:
                self._insert_large(records, container, minute)
            blank_lines = self._insert_blank_lines(records)
        self._landing.write(container, minute, records, blank_lines)

    def _send_with_care(self, session: Session, index: int, text: str) -> None:
        """Send an event of a session with a peculiarity."""
        minute = session.steps[index].at // MS_PER_MINUTE
        if index == session.no_time_index:
            self._put(minute, self._wrapped(text, session.envelope, minute))
        elif session.delay_minutes:
            self._send_late(session, index, text, session.delay_minutes)
        elif self._rng.random() < _LATE_SHARE + _COPY_SHARE:
            self._send_special(session, index, text)
        else:
            self._put(minute, self._wrapped(text, session.envelope, minute))

    def _is_copied_over_midnight(self, session: Session) -> bool:
        if not session.own_id or session.oddity or session.is_csv or session.format not in _WITH_IDS:
            return False
        self._evenings += 1
        return self._evenings % _EVENINGS_PER_COPY == 0

    def _send_over_midnight(self, session: Session, text: str) -> None:
        """Send the last event of a session on time, and hours later a copy that is dated on the next day."""
        at = session.steps[-1].at
        self._put(at // MS_PER_MINUTE, text)
        later = (at // MS_PER_DAY + 1) * MS_PER_DAY + 1_000 * (1 + int(self._rng.random() * 600))
        again = later // MS_PER_MINUTE + 90
        if again > self._timetable.last_minute or not self._has_room():
            return
        copy = text.replace(session.spelling(at), session.spelling(later))
        assert copy != text, "a time that can't be found"
        self._park(again, copy)
        self._tally.duplicates += 1
        self._tally.dirt["copies_over_midnight"] += 1

    def _send_special(self, session: Session, index: int, text: str) -> None:
        """Send an event late, or on time and once more later."""
        random = self._rng.random
        minute = session.steps[index].at // MS_PER_MINUTE
        if random() * (_LATE_SHARE + _COPY_SHARE) < _LATE_SHARE:
            self._send_late(session, index, text, 60 + int(random() ** 3 * _LONGEST_DELAY_MINUTES))
            return
        self._put(minute, self._wrapped(text, session.envelope, minute))
        again = min(
            minute + 60 + int(random() ** 3 * _LONGEST_COPY_DELAY_MINUTES), self._timetable.last_minute
        )
        if not self._has_room():
            return
        chance = random()
        if chance < 0.3:
            text = reordered(text)
        envelope = session.envelope
        if chance > 0.7:
            envelope = ("data", "kinesis", "bare")[int(random() * 3)]
        self._park(again, self._wrapped(text, envelope, again))
        self._tally.duplicates += 1

    def _send_late(self, session: Session, index: int, text: str, delay_minutes: int) -> None:
        at_ms = session.steps[index].at
        on_time = at_ms // MS_PER_MINUTE
        minute = on_time
        if self._has_room():
            minute = min(on_time + delay_minutes, self._timetable.last_minute)
        wrapped = self._wrapped(text, session.envelope, minute)
        if minute == on_time:
            self._put(minute, wrapped)
            return
        self._park(minute, wrapped)
        if self._timetable.at(minute).begin_ms > at_ms:
            self._tally.late += 1

    def _put(self, minute: int, text: str) -> None:
        self._minutes[minute].append(text)

    def _park(self, minute: int, text: str) -> None:
        self._minutes[minute].append(text)
        self._parked[minute] += 1
        self._parked_total += 1

    def _has_room(self) -> bool:
        return self._parked_total < MAX_PARKED_RECORDS

    def _wrapped(self, text: str, envelope: str | None, minute: int) -> str:
        """Put a record into its envelope; bare base64 only where lines keep it apart from other records."""
        if envelope is None:
            return text
        self._tally.enveloped += 1
        if envelope == "kinesis":
            return in_kinesis_envelope(text)
        if envelope == "url_safe":
            wrapped = in_url_safe_envelope(text)
            self._tally.dirt["url_safe_envelopes"] += wrapped != in_data_envelope(text)
            return wrapped
        container = self._timetable.at(minute)
        if envelope == "data" or container.framing != LINES:
            return in_data_envelope(text)
        self._tally.malformed[container.loader] += 1
        return in_bare_envelope(text)

    def _send_csv(self, session: Session) -> int:
        """Write the events of a session that fall into the archive as CSV rows; returns how many."""
        rows = render_csv(session)
        count = 0
        for step, row in zip(session.steps, rows, strict=True):
            if step.at >= self._archive_end_ms:
                break
            count += 1
            container = csv_day(step.at, session.format)
            lines = [row]
            if self._rng.random() < _COPY_SHARE and count - 1 != session.no_time_index:
                lines.append(row)
                self._tally.duplicates += 1
            blank_lines = 0
            self._csv_rejects_due += _REJECT_SHARE
            if self._csv_rejects_due >= 1:
                self._csv_rejects_due -= 1
                lines.append(self._csv_reject(container, step.at))
                blank_lines = 1
                self._tally.blank_lines += 1
            self._landing.write_csv(container, lines, blank_lines)
        return count

    def _csv_reject(self, container: Container, at_ms: int) -> list[str]:
        assert container.framing == CSV
        reason, fields = self._dirt.csv_reject(container, at_ms)
        self._tally.rejected[reason] += 1
        return fields

    def _insert_rejects(self, records: list[str], container: Container, minute: int) -> None:
        """Put the rejected records that are due before good ones, never two side by side."""
        count = min(int(self._rejects_due), len(records))
        if not count:
            return
        self._rejects_due -= count
        for position in sorted(self._rng.sample(range(len(records)), count), reverse=True):
            reject = self._dirt.reject(container, minute * MS_PER_MINUTE)
            records.insert(position, reject.text)
            self._tally.rejected[reject.reason] += 1
            self._tally.enveloped += reject.is_enveloped
            self._tally.malformed[container.loader] += not reject.is_object

    def _put_separators(self, records: list[str]) -> None:
        """Put what is no part of a record before some of them."""
        self._separators_due += len(records) / _RECORDS_PER_SEPARATOR
        while self._separators_due >= 1:
            self._separators_due -= 1
            index = self._rng.randrange(len(records))
            if records[index].startswith("{"):
                kind = self._tally.dirt["separators"] % len(_SEPARATORS)
                records[index] = _SEPARATORS[kind] + records[index]
                self._tally.dirt["separators"] += 1

    def _insert_large(self, records: list[str], container: Container, minute: int) -> None:
        """Put a record among the others that is too large for a row."""
        self._has_large = True
        records.insert(len(records) // 2, self._dirt.too_large(minute * MS_PER_MINUTE))
        self._tally.rejected["record_too_large"] += 1
        self._tally.malformed[container.loader] += 1

    def _insert_blank_lines(self, records: list[str]) -> int:
        self._blank_lines_due += len(records) / _RECORDS_PER_BLANK_LINE
        count = int(self._blank_lines_due)
        self._blank_lines_due -= count
        for number in range(count):
            records.insert(self._rng.randrange(len(records)), "   " if number % 2 else "")
        self._tally.blank_lines += count
        return count
