"""Each step: look through the ports, let its decision judge, and do the write it asks for."""

import asyncio
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from album_operator import editing, planning
from album_operator.access import Access
from album_operator.base_branch import BaseBranch
from album_operator.decisions import (
    application,
    build,
    deploy,
    preflight,
    propose,
    sync,
)
from album_operator.domain import progress, redaction
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.names import job_name
from album_operator.domain.places import ForgePlace
from album_operator.domain.record import Record, StepName
from album_operator.domain.release import Delivery, Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import (
    ApplicationSeen,
    BuildSeen,
    BuildSlots,
    PullRequestState,
    RepositorySeen,
)
from album_operator.domain.verdict import (
    Action,
    ApplySyncPolicy,
    CommitToBase,
    DisarmPullRequest,
    Done,
    MergePullRequest,
    OpenPullRequest,
    PushBranch,
    RefreshApplication,
    SubmitBuild,
    Verdict,
    WithdrawPullRequest,
)
from album_operator.feedback import Feedback
from album_operator.memory.build_queue import BuildQueue
from album_operator.memory.sightings import Sightings
from album_operator.ports import (
    Applications,
    Builds,
    ConfigRepository,
    Editor,
    PullRequestReader,
    PullRequests,
    Secrets,
    SourceRepository,
)
from album_operator.release_branch import ReleaseBranch
from album_operator.render import job, proposal
from album_operator.render import sync_policy as policy
from album_operator.settings import Settings


@dataclass(frozen=True)
class World:
    """The outside world a release works on, one adapter for each port.

    Attributes:
        watch: reads waiting pull requests, and tells when they change.
        queue: who waits until another build has ended.
    """

    secrets: Secrets
    source: SourceRepository
    config: ConfigRepository
    editor: Editor
    pull_requests: PullRequests
    watch: PullRequestReader
    builds: Builds
    applications: Applications
    queue: BuildQueue = field(default_factory=BuildQueue)


class Steps:
    """Looks and writes of the five steps and of the checks before them.

    Every method may raise `TransientError` or `TerminalError` from an adapter.
    """

    def __init__(self, world: World, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._world = world
        self._access = Access(world.secrets, world.pull_requests)
        self._base_branch = BaseBranch(world.config, world.editor, self._access)
        self._release_branch = ReleaseBranch(
            world.source,
            world.config,
            world.editor,
            world.pull_requests,
            world.watch,
            self._access,
            clock,
        )
        self._feedback = Feedback(world.pull_requests, self._access, clock)
        self._settings = settings
        self._clock = clock
        self._sightings = Sightings(clock)

    def leave_queue(self, release: Ref) -> None:
        """Let others build that wait behind a release which does not wait for that."""
        self._world.queue.leave(release)

    def begin_pass(self) -> None:
        """Forget what was read for the last pass."""
        self._access.forget()

    async def tell(self, release: Release, record: Record) -> None:
        """Tell developers that a release began or ended, where its pipeline asks for that."""
        await self._feedback.tell(release, record)

    async def clean(self, release: Release, written: Record, record: Record) -> Record:
        """Take the values of the Secrets a release uses out of all that its record says anew.

        Args:
            release: the release.
            written: its record as the status has it, whose texts are clean.
            record: its record as it is to be.
        """
        namespace = release.ref.namespace
        if record.resolved is not None:
            await self._access.learn(namespace, record.resolved)
        known = progress.texts_of(written)
        return progress.clean(
            record, lambda text: text if text in known else self._access.clean(namespace, text)
        )

    def tidy(self, release: Release, record: Record) -> None:
        """Delete the branch of a merged pull request, with nobody waiting for it."""
        self._release_branch.tidy(release, record)

    async def preflight(self, release: Release, record: Record, wish: Resolved) -> Verdict:
        """Look at all a release will need, before anything is written anywhere."""
        namespace = release.ref.namespace
        refused = build.check_engine(wish, privileged=self._settings.engine.allow_privileged)
        if refused is not None:
            return refused
        push_secret = Ref(namespace, wish.build.push_secret_name)
        hosts = await self._world.secrets.find_registry_hosts(push_secret)
        refused = preflight.check_registry(push_secret, hosts, wish.build.image)
        if refused is not None:
            return refused
        forge = None
        if wish.config.delivery is Delivery.PULL_REQUEST:
            forge = await self._access.to_forge(namespace, wish)
        dockerfile = posixpath.normpath(f"{wish.build.context_dir}/{wish.build.dockerfile}")
        source_place = await self._access.to_source(namespace, wish)
        config_place = await self._access.to_config(namespace, wish)
        source, config, repository = await asyncio.gather(
            self._world.source.look(source_place, wish.source.tag, dockerfile),
            self._world.config.look(
                config_place,
                wish.config.base_branch or None,
                proposal.edited_paths(wish.config.edits),
                None,
            ),
            self._find_forge_repository(forge),
        )
        refused = (
            preflight.check_source(wish, source)
            or preflight.check_config(wish, config)
            or (
                preflight.check_forge(release, wish, repository) if repository is not None else None
            )
        )
        if refused is not None:
            return refused
        found, branch = None, wish.config.branch
        if forge is not None:
            found = await self._world.pull_requests.find(forge, branch, config.base_branch)
        edited = await editing.edit(
            self._world.editor, release, wish, config.files, _digest(record) or UNKNOWN_DIGEST
        )
        if edited.files and found is not None and found.state is PullRequestState.CLOSED:
            return propose.closed(found)
        applications = await self._find_applications(wish)
        seen = preflight.PreflightSeen(
            source=source,
            config=config,
            current=edited.current,
            applications=applications,
            switched_off=frozenset(
                ref
                for ref, seen_app in applications.items()
                if seen_app is not None and policy.is_disabled(seen_app.sync_policy)
            ),
        )
        verdict = preflight.decide(
            release, record, wish, seen, consent=self._settings.require_consent
        )
        if self._settings.require_guard and isinstance(verdict, Done):
            await asyncio.gather(*map(self._world.applications.prove_guard, applications))
        return verdict

    async def _find_forge_repository(self, forge: ForgePlace | None) -> RepositorySeen | None:
        # Public repositories are read without the token, so this is the first use of one.
        return await self._world.pull_requests.get_repository(forge) if forge is not None else None

    async def plan(self, release: Release, record: Record, resolved: Resolved) -> Verdict:
        """Tell what a release that passed `preflight` would do, and do nothing."""
        place = await self._access.to_config(release.ref.namespace, resolved)
        applications = await self._find_applications(resolved)
        reading = planning.Reading(self._world.config, self._world.editor)
        return await planning.plan(reading, place, release, record, resolved, applications)

    async def decide(
        self, step: StepName, release: Release, record: Record, resolved: Resolved
    ) -> Verdict:
        """Look at what one step needs to know and judge it."""
        match step:
            case StepName.IMAGE_READY:
                return await self._image(release, record, resolved)
            case StepName.PROPOSED if resolved.config.delivery is Delivery.COMMIT:
                return await self._base_branch.decide(release, record, resolved, _digest(record))
            case StepName.PROPOSED:
                return await self._release_branch.propose(
                    release, record, resolved, _digest(record)
                )
            case StepName.MERGED:
                return await self._release_branch.follow(release, record, resolved, _digest(record))
            case StepName.SYNC_POLICY_APPLIED:
                return await self._sync_policy(release, record, resolved)
            case StepName.DEPLOYED:
                return await self._deploy(release, record, resolved)
            case _:
                assert_never(step)

    async def _image(self, release: Release, record: Record, resolved: Resolved) -> Verdict:
        found, slots = None, None
        if record.image is None:
            job = Ref(release.ref.namespace, job_name(release.ref.name, record.attempt))
            found = await self._world.builds.find(job, release)
            slots = await self._slots(release) if found is None else None
            found = await self._clean_build(release, resolved, found)
        allowed = self._settings.engine.allow_privileged
        return build.decide(
            release, record, resolved, found, self._clock(), privileged=allowed, slots=slots
        )

    async def _slots(self, release: Release) -> BuildSlots:
        """Look at the builds of a release's namespace, with a place in their queue."""
        # Before the look: a build that ends meanwhile wakes who is first.
        self._world.queue.join(release)
        running = tuple(await self._world.builds.list_running(release.ref.namespace))
        before = self._world.queue.before(release.ref)
        waiting = tuple(name for name in before if name not in running)
        return BuildSlots(self._settings.builds_per_namespace, running, waiting)

    async def act(
        self, action: Action, release: Release, record: Record, resolved: Resolved
    ) -> Record:
        """Do one write.

        Returns:
            The record with what only the write itself could tell.
        """
        match action:
            case SubmitBuild():
                await self._world.builds.submit(
                    job.render_job(release, resolved, record.attempt, self._settings.engine),
                    self._settings.builds_per_namespace,
                )
            case PushBranch():
                await self._release_branch.push(action, release, resolved, _digest(record))
            case CommitToBase():
                return await self._base_branch.commit(release, record, resolved, _digest(record))
            case OpenPullRequest():
                await self._release_branch.open(action, release, resolved, _digest(record))
            case MergePullRequest():
                await self._release_branch.merge(action, release, resolved)
            case DisarmPullRequest():
                await self._release_branch.disarm(action, release, resolved)
            case WithdrawPullRequest():
                await self._release_branch.withdraw(action, release, resolved)
            case ApplySyncPolicy(consented):
                patch = policy.patch_for(consented.seen, resolved.argocd.sync_policy)
                await self._world.applications.patch(consented, patch)
            case RefreshApplication(consented):
                await self._world.applications.patch(consented, policy.refresh_patch())
            case _:
                assert_never(action)
        return record

    async def _clean_build(
        self, release: Release, resolved: Resolved, seen: BuildSeen | None
    ) -> BuildSeen | None:
        """Free what a Pod says of secrets before it is cut; a log whose are not known is left."""
        trouble = seen.trouble if seen is not None else None
        if seen is None or trouble is None:
            return seen
        namespace = release.ref.namespace
        is_known = await self._access.learn(namespace, resolved)
        said = trouble.message if is_known or not trouble.is_log else ""
        said = redaction.last_words(self._access.clean(namespace, redaction.from_start(said)))
        return replace(seen, trouble=replace(trouble, message=said))

    async def _sync_policy(self, release: Release, record: Record, resolved: Resolved) -> Verdict:
        wish = resolved.argocd.sync_policy
        seen = {
            ref: sync.PolicySeen(
                application=found,
                is_applied=found is not None and policy.is_applied(found.sync_policy, wish),
                is_disabled=found is not None and policy.is_disabled(found.sync_policy),
            )
            for ref, found in (await self._find_applications(resolved)).items()
        }
        return sync.decide(release, record, resolved, seen, consent=self._settings.require_consent)

    async def _deploy(self, release: Release, record: Record, resolved: Resolved) -> Verdict:
        pipeline = Ref(release.ref.namespace, resolved.pipeline.name)
        consent = self._settings.require_consent
        seen = {}
        for ref, found in (await self._find_applications(resolved)).items():
            asked = application.ask(ref, found, pipeline, consent=consent)
            contained: frozenset[str] = frozenset()
            applied, compared_for = False, None
            if found is not None:
                revisions = deploy.undecided_revisions(found, record, resolved)
                contained = await self._containing(revisions, release, record, resolved)
                applied = policy.is_applied(found.sync_policy, resolved.argocd.sync_policy)
                compared_for = self._sightings.age_of_comparison(release, found)
            seen[ref] = deploy.DeploySeen(found, applied, contained, asked, compared_for)
        first_look = self._sightings.first_look(release)
        return deploy.decide(record, resolved, seen, self._clock(), first_look)

    async def _containing(
        self, revisions: frozenset[str], release: Release, record: Record, resolved: Resolved
    ) -> frozenset[str]:
        """Give those of an Application's revisions that are the merge commit or descend from it."""
        merged = record.merged_commit or ""
        if revisions <= {merged}:
            return revisions
        place = await self._access.to_config(release.ref.namespace, resolved)
        return frozenset(
            {
                revision
                for revision in revisions
                if await self._world.config.is_descendant(
                    place, revision, merged, resolved.config.base_branch, release.created_at
                )
            }
        )

    async def _find_applications(self, resolved: Resolved) -> Mapping[Ref, ApplicationSeen | None]:
        return {
            ref: await self._world.applications.find(ref) for ref in resolved.argocd.applications
        }


def _digest(record: Record) -> str:
    return record.image.digest if record.image is not None else ""
