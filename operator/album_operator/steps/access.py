"""Where a release's repositories are, each with the credential that may go there."""

from album_operator.domain.credential_errors import foreign_host, missing_key, missing_secret
from album_operator.domain.forges import ForgeType, forge_of
from album_operator.domain.images import in_full
from album_operator.domain.names import image_repository, is_ssh
from album_operator.domain.places import Credential, ForgePlace, GitPlace
from album_operator.domain.registry import ImagePlace
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved
from album_operator.ports import GitTokens, Secrets


class Access:
    """Reads credentials once for a pass, so that a replaced token works from the next one on.

    Every method to a place raises `TerminalError`: `CredentialsMissing` where the Secret is not
    there or lacks a key, `HostNotAllowed` where its own `url` keeps it from the place; those to a
    git repository also whatever keeps a GitHub App from making a token.
    """

    def __init__(self, secrets: Secrets, tokens: GitTokens, namespace: str) -> None:
        self._secrets = secrets
        self._tokens = tokens
        self._namespace = namespace
        self._known: dict[str, Credential] = {}

    async def learn(self, resolved: Resolved) -> bool:
        """Know the values of all Secrets a release uses; False where one could not be read."""
        config = resolved.config
        names = {
            resolved.source.secret_name,
            resolved.build.push_secret_name,
            *(secret.secret_ref.name for secret in resolved.build.secrets),
            *(secret.name for secret in resolved.build.pod.image_pull_secrets),
            resolved.build.read_secret_name,
            config.secret_name,
            config.forge_secret_name,
            resolved.feedback.forge_secret_name,
            resolved.policy.forge_secret_name,
        }
        return await self._secrets.learn({Ref(self._namespace, name) for name in names if name})

    def clean(self, text: str) -> str:
        """Take what is known of the namespace's Secrets out of a text."""
        return self._secrets.clean(self._namespace, text)

    async def to_source(self, resolved: Resolved) -> GitPlace:
        """Give the repository that is built."""
        return await self.to_git(resolved.source.repository, resolved.source.secret_name)

    async def to_config(self, resolved: Resolved) -> GitPlace:
        """Give the repository Argo CD reads."""
        return await self.to_git(resolved.config.repository, resolved.config.secret_name)

    async def to_forge(self, resolved: Resolved) -> ForgePlace:
        """Give the config repository as its forge's API knows it."""
        config = resolved.config
        return await self._to_forge(
            config.forge_secret_name,
            config.forge_type,
            config.forge_url,
            config.repository,
            "spec.config",
        )

    async def to_source_forge(self, resolved: Resolved) -> ForgePlace:
        """Give the repository that is built, as its forge's API knows it."""
        feedback, policy = resolved.feedback, resolved.policy
        # Where both ask it, it is the same forge.
        asking = policy if policy.require_checks else feedback
        return await self._to_forge(
            asking.forge_secret_name,
            asking.forge_type,
            asking.forge_url,
            resolved.source.repository,
            "spec.source",
        )

    async def to_image(self, resolved: Resolved) -> ImagePlace:
        """Give the repository of the image, as its registry is asked about it."""
        build = resolved.build
        return await self._to_registry(build.read_secret_name or build.push_secret_name, resolved)

    async def to_push(self, resolved: Resolved) -> ImagePlace:
        """Give the repository of the image, as one who may push there."""
        return await self._to_registry(resolved.build.push_secret_name, resolved)

    async def _to_registry(self, name: str, resolved: Resolved) -> ImagePlace:
        build, image = resolved.build, in_full(resolved.build.image)
        credential = None
        if name:
            secret = Ref(self._namespace, name)
            credential = await self._secrets.find_registry_credential(secret, image)
        repository = image_repository(image)
        return ImagePlace(repository, credential, self._namespace, insecure=build.insecure)

    async def _to_forge(
        self, secret: str, forge: ForgeType | None, api_url: str, repository: str, field: str
    ) -> ForgePlace:
        credential = await self._credential(secret, "forge")
        ref = Ref(self._namespace, secret)
        if not credential.may_serve(api_url, repository):
            raise foreign_host(str(ref), credential, api_url)
        _check_keys(ref, credential, api_url)
        kind = forge or ForgeType.GITEA
        path = forge_of(kind).path_in(api_url, repository)
        return ForgePlace(api_url, path, credential, kind, ref.namespace, field)

    async def to_git(self, url: str, secret: str) -> GitPlace:
        """Give a git repository with the credential of a Secret."""
        credential = await self._credential(secret, "ssh" if is_ssh(url) else "git")
        ref = Ref(self._namespace, secret)
        if not credential.may_go_to(url):
            raise foreign_host(str(ref), credential, url)
        _check_keys(ref, credential, url)
        place = GitPlace(url, credential, self._namespace)
        source = place.token_source
        if source is None:
            return place
        token = await self._tokens.git_token(source)
        self._secrets.learn_token(token)
        return place.with_token(token)

    async def _credential(self, secret: str, what: str) -> Credential:
        ref = Ref(self._namespace, secret)
        credential = self._known.get(secret) or await self._secrets.find_credential(ref)
        if credential is None:
            raise missing_secret(ref, what)
        self._known[secret] = credential
        return credential


def _check_keys(ref: Ref, credential: Credential, url: str) -> None:
    key = credential.find_missing_key(url)
    if key is not None:
        raise missing_key(str(ref), key, url)
