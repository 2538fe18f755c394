"""A download that breaks off goes on, and never with a part of another file."""

import hashlib

import pytest
from download_cases import CONTENT, OTHER, file_at, get, starts
from file_server import left
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from told import told

from course_lib.data import downloading
from course_lib.errors import InputError


def test_a_file_comes_whole_and_alone(server, tmp_path):
    assert get(file_at(server.offer("a.bin", CONTENT)), tmp_path) == CONTENT
    assert left(tmp_path) == ["a.bin"] and starts(server) == [0]


def test_cut_connections_go_on_where_they_broke_off(server, tmp_path):
    file = file_at(server.offer("a.bin", CONTENT, cuts=[1, 300_000, 699_998]))
    assert get(file, tmp_path) == CONTENT
    assert starts(server) == [0, 1, 300_001, 999_999]
    assert left(tmp_path) == ["a.bin"]


def test_a_cut_that_the_library_does_not_notice(server, tmp_path, monkeypatch):
    """As with urllib3 before 2.0, which does not count the bytes."""
    get_of_requests = downloading.requests.get

    def lenient(*args, **options):
        answer = get_of_requests(*args, **options)
        answer.raw.enforce_content_length = False
        return answer

    monkeypatch.setattr(downloading.requests, "get", lenient)
    url = server.offer("a.bin", CONTENT, cuts=[0, 400_000])
    assert get(file_at(url, checksum=None), tmp_path) == CONTENT
    assert starts(server) == [0, 0, 400_000]


def test_after_too_many_cuts_the_next_call_goes_on(server, tmp_path):
    file = file_at(server.offer("a.bin", CONTENT, cuts=[200_000, 0, 0, 0, 300_000]))
    assert told(lambda: get(file, tmp_path)) == (
        f"a.bin did not come: {file.url} did not give it (it broke off); run it again "
        "to go on, name another source with --mirror, or download it with a browser "
        "and give it with --archive FILE"
    )
    assert not (tmp_path / "a.bin").exists()
    assert get(file, tmp_path) == CONTENT
    assert starts(server) == [0] + [200_000] * 4 + [500_000]
    assert left(tmp_path) == ["a.bin"]


def test_a_server_without_ranges_begins_anew(server, tmp_path):
    file = file_at(server.offer("a.bin", CONTENT, cuts=[400_000], ranges=False))
    assert get(file, tmp_path) == CONTENT and starts(server) == [0, 0]
    assert left(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("obeys", [True, False])
@pytest.mark.parametrize(
    ("tags", "dates"),
    [
        (['"one"', '"two"'], ["", ""]),
        (["", ""], ["Mon, 02 Nov 2026 10:00:00 GMT", "Tue, 03 Nov 2026 10:00:00 GMT"]),
        (['W/"one"', 'W/"two"'], ["", ""]),
        (["", ""], ["", ""]),
    ],
)
def test_a_changed_file_is_not_glued_to_an_old_half(
    server, tmp_path, monkeypatch, tags, dates, obeys
):
    monkeypatch.setattr(downloading, "RETRIES", 0)
    how = {"tag": tags[0], "date": dates[0], "obeys": obeys}
    file = file_at(server.offer("a.bin", OTHER, cuts=[400_000], **how), checksum=None)
    told(lambda: get(file, tmp_path))
    monkeypatch.setattr(downloading, "RETRIES", 1)
    how = {"tag": tags[1], "date": dates[1], "obeys": obeys}
    server.offer("a.bin", CONTENT, **how)
    assert get(file, tmp_path) == CONTENT
    assert left(tmp_path) == ["a.bin"]
    if obeys:  # it is told the version, and sends the new file at once
        assert starts(server) == [0, 0]


def test_a_date_is_version_enough_to_go_on(server, tmp_path):
    date = "Mon, 02 Nov 2026 10:00:00 GMT"
    how = {"tag": 'W/"weak"', "date": date, "cuts": [400_000]}
    assert get(file_at(server.offer("a.bin", CONTENT, **how)), tmp_path) == CONTENT
    assert starts(server) == [0, 400_000]


def test_a_part_longer_than_the_file_is_dropped(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "RETRIES", 0)
    url = server.offer("a.bin", OTHER + OTHER, cuts=[1_500_000])
    told(lambda: get(file_at(url, checksum=None), tmp_path))
    server.offer("a.bin", CONTENT)  # of the same version, so it says
    file = file_at(url)
    assert "the file has changed" in told(lambda: get(file, tmp_path))
    assert get(file, tmp_path) == CONTENT and left(tmp_path) == ["a.bin"]


KINDS = {"first": CONTENT[:5000], "second": OTHER[:5000], "short": OTHER[:777]}
MANNERS = st.fixed_dictionaries(
    {
        "cuts": st.lists(st.integers(0, 5000), max_size=4),
        "ranges": st.booleans(),
        "obeys": st.booleans(),
        "length": st.sampled_from([None, None, None, 0, 4000, 6000]),
    }
)
MARKS = st.sets(st.sampled_from(["tag", "date"]))


@given(st.lists(st.tuples(st.sampled_from(list(KINDS)), MARKS, MANNERS), max_size=4))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_the_server_does_what_comes_is_right(server, tmp_path_factory, days):
    """Every day the server has another file or other manners; the part stays."""
    folder = tmp_path_factory.mktemp("days")
    for kind, marks, manners in [*days, ("first", {"tag"}, {})]:
        marks = {
            "tag": f'"{kind}"' * ("tag" in marks),
            "date": kind * ("date" in marks),
        }
        digest = f"sha1:{hashlib.sha1(KINDS[kind]).hexdigest()}"
        url = server.offer("a.bin", KINDS[kind], **marks, **manners)
        try:
            assert get(file_at(url, digest), folder) == KINDS[kind]
        except InputError:
            assert manners and left(folder) != ["a.bin"]
        (folder / "a.bin").unlink(missing_ok=True)
