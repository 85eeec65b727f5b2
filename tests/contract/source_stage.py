"""Repositories with submodules, files of Git LFS and a history, and the code that fetches them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from album_operator.domain.errors import OutsideError
from album_operator.fetch_source.source import fetch
from album_operator.fetch_source.task import TaskError, read_task
from tests.contract.http_backend import Backend
from tests.contract.plain_git import git
from tests.fakes.git_history import File

TAG = "backend-v1.1.0"
DOCKERFILE = "backend/Dockerfile"
TOKEN = "some-token"


def link(commit: str) -> File:
    """Give the entry of a submodule."""
    return File(commit.encode(), "160000")


def modules(**urls: str) -> File:
    """Give a `.gitmodules` with the URL of each path; `__` in a name stands for a slash."""
    lines = (
        f'[submodule "{name}"]\n\tpath = {name.replace("__", "/")}\n\turl = {url}\n'
        for name, url in urls.items()
    )
    return File("".join(lines).encode())


@dataclass
class SourceStage:
    """A server of git and a folder on disk.

    Attributes:
        insecure: hosts the admin lets be spoken to in plain HTTP, beside the server.
        said: what the last fetch printed, and its last sentence.
    """

    server: Backend
    folder: Path
    insecure: list[str] = field(default_factory=list)
    said: str = ""

    @property
    def target(self) -> Path:
        """Where the files get to."""
        return self.folder / "source"

    def url(self, name: str) -> str:
        """Give the URL of a repository of the server."""
        return f"http://{self.server.host}/{name}"

    def add(self, name: str, files: Mapping[str, File], *, annotated: bool = False) -> str:
        """Commit exactly these files to a repository that is made if need be; the tag is there."""
        path = self.server.folder / f"{name}.git"
        if not path.exists():
            git(path, "init", "--quiet", "--bare", "--initial-branch=main", str(path))
        has_parent = git(path, "for-each-ref", "refs/heads/main") != ""
        lines = [b"commit refs/heads/main\ncommitter A <a@example.org> 1700000000 +0000\n"]
        lines += [b"data 6\nchange\n", b"from refs/heads/main^0\n" if has_parent else b""]
        lines.append(b"deleteall\n")
        for at, file in {DOCKERFILE: File(b"FROM scratch\n"), **files}.items():
            data = b"data %d\n%b\n" % (len(file.data), file.data)
            path_there = b'"%b"' % at.replace("\n", "\\n").encode()
            if file.mode == "160000":
                lines.append(b"M 160000 %b %b\n" % (file.data, path_there))
            else:
                lines.append(b"M %b inline %b\n%b" % (file.mode.encode(), path_there, data))
        git(path, "fast-import", "--quiet", data=b"".join(lines))
        sha = git(path, "rev-parse", "refs/heads/main")
        if annotated:
            people = {f"GIT_COMMITTER_{what}": "a@example.org" for what in ("NAME", "EMAIL")}
            git(path, "tag", "--force", "-a", "-m", "it", TAG, sha, variables=people)
        else:
            git(path, "tag", "--force", TAG, sha)
        return sha

    def fetch(self, name: str, commit: str, **variables: str) -> int:
        """Do what the container does for a commit and give its exit code."""
        secret = self.folder / "credential"
        secret.mkdir(exist_ok=True)
        (secret / "url").write_text(variables.pop("url", f"http://{self.server.host}"))
        (secret / "token").write_text(TOKEN)
        environment = {
            "ALBUM_REPOSITORY": self.url(name),
            "ALBUM_COMMIT": commit,
            "ALBUM_TAG": TAG,
            "ALBUM_TARGET": str(self.target),
            "ALBUM_CONTEXT_DIR": "backend",
            "ALBUM_DOCKERFILE": "Dockerfile",
            "ALBUM_CREDENTIAL": str(secret),
            "ALBUM_INSECURE_HOSTS": ",".join([self.server.host, *self.insecure]),
            "ALBUM_ALLOWED_HOSTS": "127.0.0.1",
        }
        said: list[str] = []
        try:
            fetch(read_task(environment | variables), said.append)
            status = 0
        except (OutsideError, TaskError) as error:
            said.append(str(error))
            status = 1
        self.said = "\n".join(said)
        assert TOKEN not in self.said
        left = [path.name for path in self.target.iterdir() if path.name.startswith("album-git")]
        assert left == []
        return status

    def files(self, below: str = "") -> set[str]:
        """Give the files that got there."""
        top = self.target / below
        paths = (path for path in top.rglob("*") if path.is_symlink() or path.is_file())
        return {str(path.relative_to(top)) for path in paths}
