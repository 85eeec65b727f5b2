"""Where a release's repositories are, each with the credential that may go there."""

from album_operator.decisions import preflight
from album_operator.domain.errors import TerminalError
from album_operator.domain.names import is_ssh
from album_operator.domain.places import Credential, ForgePlace, ForgeType, GitPlace, path_in
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt
from album_operator.ports import GitTokens, Secrets


class Access:
    """Reads credentials once a pass, so that a replaced token works from the next pass on.

    Every method to a place raises `TerminalError`: `CredentialsMissing` where the Secret is not
    there or lacks a key, `HostNotAllowed` where its own `url` keeps it from the place; those to a
    git repository also whatever keeps a GitHub App from making a token.
    """

    def __init__(self, secrets: Secrets, tokens: GitTokens) -> None:
        self._secrets = secrets
        self._tokens = tokens
        self._known: dict[Ref, Credential] = {}

    def forget(self) -> None:
        """Read all credentials anew from now on; another release's pass then reads some twice."""
        self._known.clear()

    async def learn(self, namespace: str, resolved: Resolved) -> bool:
        """Know the values of all Secrets a release uses; False where one could not be read."""
        config = resolved.config
        names = {
            resolved.source.secret_name,
            resolved.build.push_secret_name,
            config.secret_name,
            config.forge_secret_name,
            resolved.feedback.forge_secret_name,
        }
        return await self._secrets.learn({Ref(namespace, name) for name in names if name})

    def clean(self, namespace: str, text: str) -> str:
        """Take what is known of the namespace's Secrets out of a text."""
        return self._secrets.clean(namespace, text)

    async def to_source(self, namespace: str, resolved: Resolved) -> GitPlace:
        """Give the repository that is built."""
        source = resolved.source
        return await self._to_git(namespace, source.repository, source.secret_name)

    async def to_config(self, namespace: str, resolved: Resolved) -> GitPlace:
        """Give the repository Argo CD reads."""
        config = resolved.config
        return await self._to_git(namespace, config.repository, config.secret_name)

    async def to_forge(self, namespace: str, resolved: Resolved) -> ForgePlace:
        """Give the config repository as its forge's API knows it."""
        config = resolved.config
        return await self._to_forge(
            Ref(namespace, config.forge_secret_name),
            config.forge_type,
            config.forge_url,
            config.repository,
        )

    async def to_source_forge(self, namespace: str, resolved: Resolved) -> ForgePlace:
        """Give the repository that is built, as its forge's API knows it."""
        feedback = resolved.feedback
        return await self._to_forge(
            Ref(namespace, feedback.forge_secret_name),
            feedback.forge_type,
            feedback.forge_url,
            resolved.source.repository,
        )

    async def _to_forge(
        self, ref: Ref, forge: ForgeType | None, api_url: str, repository: str
    ) -> ForgePlace:
        credential = await self._credential(ref, "forge")
        if not credential.may_serve(api_url, repository):
            raise _as_error(preflight.foreign_host(ref, credential, api_url))
        _check_keys(ref, credential, api_url)
        path = path_in(api_url, repository)
        return ForgePlace(api_url, path, credential, forge or ForgeType.GITEA, ref.namespace)

    async def _to_git(self, namespace: str, url: str, secret: str) -> GitPlace:
        ref = Ref(namespace, secret)
        credential = await self._credential(ref, "ssh" if is_ssh(url) else "git")
        if not credential.may_go_to(url):
            raise _as_error(preflight.foreign_host(ref, credential, url))
        _check_keys(ref, credential, url)
        place = GitPlace(url, credential, namespace)
        source = place.token_source
        if source is None:
            return place
        token = await self._tokens.git_token(source)
        self._secrets.learn_token(token)
        return place.with_token(token)

    async def _credential(self, ref: Ref, what: str) -> Credential:
        credential = self._known.get(ref) or await self._secrets.find_credential(ref)
        if credential is None:
            raise _as_error(preflight.missing_secret(ref, what))
        self._known[ref] = credential
        return credential


def _check_keys(ref: Ref, credential: Credential, url: str) -> None:
    key = credential.find_missing_key(url)
    if key is not None:
        raise _as_error(preflight.missing_key(str(ref), key, url))


def _as_error(halt: Halt) -> TerminalError:
    return TerminalError(halt.reason, halt.message)
