"""Strategies: any record a release can have, within what the schema allows."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from album_operator.codec.status import SENTENCE_LENGTHS
from album_operator.domain.argocd import (
    OlderImages,
    ResolvedArgoCD,
    RewrittenRegistry,
    SyncPolicyWish,
)
from album_operator.domain.build_cache import ResolvedCache
from album_operator.domain.build_outputs import BuildSecret, SecretKeyRef
from album_operator.domain.build_pod import (
    PodWish,
    PullSecret,
    TaintEffect,
    Toleration,
    TolerationOperator,
)
from album_operator.domain.build_source import SourceParts
from album_operator.domain.forges import ForgeType
from album_operator.domain.places import MergeMethod
from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    ApplicationRecord,
    AttemptRecord,
    BuildRecord,
    Failure,
    ImageOrigin,
    ImageRecord,
    Outcome,
    PlannedPatch,
    PlanRecord,
    ProposalRecord,
    PullRequestRecord,
    Record,
    RollbackRecord,
    StepName,
    StepRecord,
    StepState,
    SupersededBy,
)
from album_operator.domain.release import (
    Anchors,
    BuildArg,
    BuildType,
    Delivery,
    Document,
    Edit,
    EditFormat,
    EditValue,
    ExistingImage,
    MergeMode,
    ProofBy,
    PullRequestWish,
    Ref,
    Resources,
    Rollback,
)
from album_operator.domain.resolved import (
    Resolved,
    ResolvedBuild,
    ResolvedConfig,
    ResolvedFeedback,
    ResolvedPipeline,
    ResolvedPolicy,
    ResolvedSource,
)

names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
sentences = st.text(st.characters(codec="utf-8"), max_size=SENTENCE_LENGTHS[-1])
commits = st.from_regex(r"[0-9a-f]{40}", fullmatch=True)
digests = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)
reasons = st.sampled_from(Reason)
times = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
maybe_times = st.none() | times
waits = st.integers(10, 86_400).map(lambda count: timedelta(seconds=count))
lifetimes = st.integers(1, 8760).map(lambda count: timedelta(hours=count))
overheads = st.timedeltas(timedelta(), timedelta(days=10_000))
switches = st.none() | st.booleans()
refs = st.builds(Ref, names, names)
quantities = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from(["1", "500m"]),
        "memory": st.sampled_from(["512Mi", "1e9"]),
        "ephemeral-storage": st.just("4Gi"),
    },
)


def _place(edit: Edit) -> tuple[str, str, str]:
    return edit.path, edit.key, edit.value


# What the rules of a pipeline let through, and what conventions make of it.
hosts = st.sampled_from(["git.example.org", "127.0.0.1:3000"])
repositories = st.builds("https://{}/{}/{}".format, hosts, names, names) | st.builds(
    "ssh://git@{}/{}/{}".format, hosts, names, names
)
apis = st.builds("https://{}/api/v1".format, hosts)
versions = st.from_regex(r"v?[0-9]{1,3}\.[0-9]\.[0-9](-rc\.[0-9])?", fullmatch=True)
tags = st.builds("{}-{}".format, names, versions)
image_references = st.builds("ghcr.io/{}/{}:{}".format, names, names, versions)
branches = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_+-]{0,20}(/[A-Za-z0-9_+-]{1,9})?", fullmatch=True)
paths = st.from_regex(r"[A-Za-z0-9_+=,][A-Za-z0-9_+=,-]{0,9}(/[A-Za-z0-9_]{1,9})?", fullmatch=True)
arguments = st.from_regex(r"(?!LD_)[A-Z][A-Z0-9_]{0,20}_VERSION", fullmatch=True)
lines = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="<>$,"),
    min_size=1,
    max_size=40,
).filter(lambda line: set(line) - set(".:;\"'"))

edits = st.builds(
    Edit,
    paths,
    paths.map(lambda path: re.sub("[^A-Za-z0-9]", "", path) or "k"),
    st.sampled_from(EditValue),
    st.sampled_from(EditFormat),
    st.booleans(),
    st.none()
    | st.builds(Document, st.integers(0, 999))
    | st.builds(Document, st.none(), st.just("HelmRelease"), names),
    st.sampled_from(Anchors),
)

words = st.lists(names, max_size=2, unique=True).map(tuple)

labels = st.dictionaries(names, names, max_size=2)

pods = st.builds(
    PodWish,
    labels,
    st.dictionaries(names, lines, max_size=2),
    labels,
    st.lists(
        st.builds(
            Toleration,
            names,
            st.sampled_from(TolerationOperator),
            st.none() | names,
            st.none() | st.sampled_from(TaintEffect),
            st.none() | st.integers(0, 86400),
        ),
        max_size=2,
    ).map(tuple),
    st.none() | names,
    st.none() | names,
    st.lists(st.builds(PullSecret, names), max_size=2, unique=True).map(tuple),
)

resolved = st.builds(
    Resolved,
    app=names,
    version=versions,
    pipeline=st.builds(ResolvedPipeline, names, names, st.integers(0, 2**31)),
    source=st.builds(ResolvedSource, repositories, tags, commits, names),
    build=st.builds(
        ResolvedBuild,
        type=st.sampled_from(BuildType),
        image=image_references,
        insecure=st.booleans(),
        context_dir=paths,
        dockerfile=paths,
        args=st.lists(
            st.builds(BuildArg, arguments, lines), max_size=3, unique_by=lambda arg: arg.name
        ).map(tuple),
        target=st.none() | names,
        resources=st.builds(Resources, quantities, quantities),
        timeout=waits,
        push_secret_name=st.just("") | names,
        failure_log=st.booleans(),
        fetch_resources=st.builds(Resources, quantities, quantities),
        pod=pods,
        secrets=st.lists(
            st.builds(BuildSecret, names, st.builds(SecretKeyRef, names, names)),
            max_size=2,
            unique_by=lambda secret: secret.name,
        ).map(tuple),
        tags=st.lists(st.sampled_from(["latest", "edge"]), unique=True).map(tuple),
        platforms=st.lists(st.sampled_from(["linux/amd64", "linux/arm/v7"]), unique=True).map(
            tuple
        ),
        cache=st.none()
        | st.builds(ResolvedCache, st.builds("ghcr.io/{}/{}".format, names, names), lifetimes),
        existing_image=st.sampled_from(ExistingImage),
        proof=st.sampled_from(ProofBy),
        read_secret_name=st.just("") | names,
        source=st.none() | st.builds(SourceParts, switches, switches, st.booleans()),
    ),
    config=st.builds(
        ResolvedConfig,
        repository=repositories,
        base_branch=branches,
        branch=branches,
        secret_name=names,
        forge_type=st.none() | st.sampled_from(ForgeType),
        forge_url=st.just("") | apis,
        forge_secret_name=st.just("") | names,
        author_name=lines,
        author_email=st.builds("{}@{}".format, names, hosts),
        edits=st.lists(edits, min_size=1, max_size=3, unique_by=_place).map(tuple),
        delivery=st.sampled_from(Delivery),
        pull_request=st.builds(
            PullRequestWish,
            merge=st.sampled_from(MergeMode),
            method=st.sampled_from(MergeMethod),
            labels=words,
            reviewers=words,
            assignees=words,
            milestone=st.none() | lines,
            draft=st.booleans(),
        ).filter(lambda wish: not (wish.draft and wish.merge is MergeMode.AUTO)),
    ),
    argocd=st.builds(
        ResolvedArgoCD,
        applications=st.lists(refs, min_size=1, max_size=3, unique=True).map(tuple),
        sync_policy=st.builds(SyncPolicyWish, switches, switches, switches),
        settle=st.integers(0, 3600).map(lambda count: timedelta(seconds=count)),
        timeout=waits,
        older_images=st.sampled_from(OlderImages),
        rewritten_registries=st.lists(
            st.builds(RewrittenRegistry, hosts, hosts),
            max_size=2,
            unique_by=lambda it: it.rewritten,
        ).map(tuple),
        notice=st.booleans(),
    ),
    feedback=st.just(ResolvedFeedback())
    | st.builds(
        ResolvedFeedback,
        commit_status=st.booleans(),
        comment=st.booleans(),
        environment=st.none() | names,
        forge_type=st.none() | st.sampled_from(ForgeType),
        forge_url=st.just("") | apis,
        forge_secret_name=st.just("") | names,
    ),
    policy=st.just(ResolvedPolicy())
    | st.builds(
        ResolvedPolicy,
        require_checks=st.lists(names, min_size=1, max_size=3, unique=True).map(tuple),
        forge_type=st.sampled_from(ForgeType),
        forge_url=apis,
        forge_secret_name=names,
        rollback=st.sampled_from(Rollback),
    ),
)

builds = st.builds(BuildRecord, names, st.sampled_from(BuildType), maybe_times, maybe_times)
images = st.builds(
    ImageRecord, image_references, digests, st.none() | commits, st.sampled_from(ImageOrigin)
)
attempts = st.builds(
    AttemptRecord,
    number=st.integers(1, 2**31 - 1),
    step=st.sampled_from(["Preflight", *map(str, StepName)]),
    reason=reasons,
    message=st.text(st.characters(codec="utf-8"), max_size=SENTENCE_LENGTHS[-1] // 4),
    job=st.none() | names,
    finished_at=maybe_times,
)
proposals = st.builds(
    ProposalRecord,
    branches,
    st.none() | commits,
    st.text(st.characters(codec="utf-8"), max_size=4096),
)
pull_requests = st.builds(
    PullRequestRecord,
    number=st.integers(1, 2**31 - 1),
    url=repositories.map(lambda url: f"https://{url.partition('@')[2] or url[8:]}/pulls/1"),
    state=st.sampled_from(["Open", "Merged", "Closed"]),
    head_sha=commits,
    merge_commit=st.none() | commits,
    merged_at=maybe_times,
    waits_for=st.none() | reasons,
    waits_since=maybe_times,
    seen_at=maybe_times,
)
applications = st.builds(
    ApplicationRecord,
    names,
    names,
    st.none() | texts,
    st.sampled_from([None, "Equal", "Descendant"]),
    st.none() | texts,
    st.none() | texts,
    maybe_times,
    maybe_times,
)
successors = st.builds(SupersededBy, st.none() | texts, st.none() | texts, st.none() | commits)
failures = st.builds(
    Failure,
    step=st.sampled_from(["Preflight", *map(str, StepName)]),
    reason=reasons,
    message=sentences,
    pod=st.none() | names,
    container=st.none() | names,
    exit_code=st.none() | st.integers(0, 255),
)

rollbacks = st.builds(RollbackRecord, names, st.just("v1.0.0"), st.none() | names)

plans = st.builds(
    PlanRecord,
    image=texts,
    branch=texts,
    base_commit=commits,
    diff=st.text(st.characters(codec="utf-8"), max_size=900),
    applications=st.lists(
        st.builds(PlannedPatch, names, names, sentences),
        max_size=3,
        unique_by=lambda app: (app.namespace, app.name),
    ).map(tuple),
)


def _step(name: StepName) -> st.SearchStrategy[StepRecord]:
    return st.builds(
        StepRecord,
        name=st.just(name),
        state=st.sampled_from(StepState),
        reason=reasons,
        message=sentences,
        started_at=maybe_times,
        finished_at=maybe_times,
        overhead=overheads,
    )


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Draw a record; Ready tells `Suspended` and `Planned` by its reason alone."""
    outcome = draw(st.sampled_from(Outcome))
    told = {Outcome.SUSPENDED: Reason.SUSPENDED, Outcome.PLANNED: Reason.PLANNED}
    others = reasons.filter(lambda reason: reason not in told.values())
    reason = told.get(outcome) or draw(others)
    proposal = draw(st.none() | proposals)
    return Record(
        attempt=draw(st.integers(1, 2**31 - 1)),
        resolved=draw(st.none() | resolved),
        attempts=tuple(draw(st.lists(attempts, max_size=5, unique_by=lambda each: each.number))),
        image=draw(st.none() | images),
        build=draw(st.none() | builds),
        proposal=proposal,
        pull_request=draw(st.none() | pull_requests),
        merged_commit=draw(st.none() | commits) if proposal is not None else None,
        applications=tuple(
            draw(
                st.lists(applications, max_size=3, unique_by=lambda app: (app.namespace, app.name))
            )
        ),
        steps=tuple(draw(_step(name)) for name in StepName),
        outcome=outcome,
        reason=reason,
        message=draw(sentences),
        failure=draw(st.none() | failures),
        rollback=draw(st.none() | rollbacks),
        plan=draw(st.none() | plans),
        superseded_by=draw(st.none() | successors),
        last_handled_retry=draw(st.none() | texts),
        last_handled_refresh=draw(st.none() | texts),
        requested_by=draw(st.none() | texts),
    )
