"""`status.resolved`: what a release decided to do, as JSON and back."""

from typing import Any

from album_operator.api.types import parse_duration, render_duration
from album_operator.codec.text import Raw, without_nothing
from album_operator.domain.forges import ForgeType
from album_operator.domain.places import MergeMethod
from album_operator.domain.release import (
    BuildArg,
    BuildType,
    Delivery,
    Edit,
    EditFormat,
    EditValue,
    MergeMode,
    PullRequestWish,
    Ref,
    Resources,
    SyncPolicyWish,
)
from album_operator.domain.resolved import (
    Resolved,
    ResolvedArgoCD,
    ResolvedBuild,
    ResolvedConfig,
    ResolvedFeedback,
    ResolvedPipeline,
    ResolvedSource,
)


def render_resolved(resolved: Resolved) -> dict[str, Any]:
    """Write what a release will do."""
    source, build, config, argocd = (
        resolved.source,
        resolved.build,
        resolved.config,
        resolved.argocd,
    )
    policy = argocd.sync_policy
    return {
        **_render_feedback(resolved.feedback),
        "pipeline": {
            "name": resolved.pipeline.name,
            "uid": resolved.pipeline.uid,
            "generation": resolved.pipeline.generation,
        },
        "source": {
            "repository": source.repository,
            "tag": source.tag,
            "commit": source.commit,
            "secretName": source.secret_name,
        },
        "build": without_nothing(
            {
                "type": str(build.type),
                "image": build.image,
                "insecure": build.insecure,
                "contextDir": build.context_dir,
                "dockerfile": build.dockerfile,
                "args": [{"name": arg.name, "value": arg.value} for arg in build.args],
                "target": build.target,
                "resources": without_nothing(
                    {
                        "requests": dict(build.resources.requests),
                        "limits": dict(build.resources.limits),
                    }
                ),
                "timeout": render_duration(build.timeout),
                "pushSecretName": build.push_secret_name,
                "failureLog": build.failure_log or None,
            }
        ),
        "config": without_nothing(
            {
                "repository": config.repository,
                "baseBranch": config.base_branch,
                "branch": config.branch,
                "delivery": str(config.delivery),
                "secretName": config.secret_name,
                "forgeType": str(config.forge_type) if config.forge_type is not None else None,
                "forgeURL": config.forge_url or None,
                "forgeSecretName": config.forge_secret_name or None,
                "pullRequest": _render_pull_request(config.pull_request),
                "authorName": config.author_name,
                "authorEmail": config.author_email,
                "edits": [_render_edit(edit) for edit in config.edits],
            }
        ),
        "argocd": without_nothing(
            {
                "selfHeal": policy.self_heal,
                "applyOutOfSyncOnly": policy.apply_out_of_sync_only,
                "prune": policy.prune,
                "settle": render_duration(argocd.settle),
                "timeout": render_duration(argocd.timeout),
                "applications": [
                    {"namespace": ref.namespace, "name": ref.name} for ref in argocd.applications
                ],
            }
        ),
    }


def _render_feedback(feedback: ResolvedFeedback) -> dict[str, Any]:
    """Write where developers are told; nothing where they are not."""
    if feedback == ResolvedFeedback():
        return {}
    told = {
        "commitStatus": feedback.commit_status,
        "comment": feedback.comment,
        "forgeType": str(feedback.forge_type) if feedback.forge_type is not None else None,
        "forgeURL": feedback.forge_url or None,
        "forgeSecretName": feedback.forge_secret_name or None,
    }
    return {"feedback": without_nothing(told)}


def _parse_feedback(raw: Raw | None) -> ResolvedFeedback:
    if raw is None:
        return ResolvedFeedback()
    return ResolvedFeedback(
        commit_status=raw["commitStatus"],
        comment=raw["comment"],
        forge_type=ForgeType(raw["forgeType"]) if "forgeType" in raw else None,
        forge_url=raw.get("forgeURL", ""),
        forge_secret_name=raw.get("forgeSecretName", ""),
    )


def _render_pull_request(wish: PullRequestWish) -> dict[str, Any] | None:
    """Write how the pull request is opened; None where all is as by default."""
    if wish == PullRequestWish():
        return None
    return without_nothing(
        {
            "merge": str(wish.merge),
            "method": str(wish.method),
            "labels": list(wish.labels),
            "reviewers": list(wish.reviewers),
            "assignees": list(wish.assignees),
            "milestone": wish.milestone,
            "draft": wish.draft,
        }
    )


def _parse_pull_request(raw: Raw | None) -> PullRequestWish:
    if raw is None:
        return PullRequestWish()
    return PullRequestWish(
        merge=MergeMode(raw["merge"]),
        method=MergeMethod(raw["method"]),
        labels=tuple(raw.get("labels", ())),
        reviewers=tuple(raw.get("reviewers", ())),
        assignees=tuple(raw.get("assignees", ())),
        milestone=raw.get("milestone"),
        draft=raw.get("draft", False),
    )


def _render_edit(edit: Edit) -> dict[str, Any]:
    return {
        "path": edit.path,
        "key": edit.key,
        "value": str(edit.value),
        "format": str(edit.format),
        "create": edit.create,
    }


def _parse_edit(raw: Raw) -> Edit:
    """Read an edit; an operator that knew no others left out what is the default now."""
    return Edit(
        path=raw["path"],
        key=raw["key"],
        value=EditValue(raw.get("value", EditValue.TAG)),
        format=EditFormat(raw.get("format", EditFormat.YAML)),
        create=raw.get("create", False),
    )


def parse_resolved(raw: Raw, app: str, version: str) -> Resolved:
    """Read what a release decided to do; app and version stand beside it in the status."""
    source, build, config, argocd = raw["source"], raw["build"], raw["config"], raw["argocd"]
    resources = build.get("resources", {})
    return Resolved(
        app=app,
        version=version,
        pipeline=ResolvedPipeline(
            raw["pipeline"]["name"], raw["pipeline"]["uid"], raw["pipeline"]["generation"]
        ),
        source=ResolvedSource(
            repository=source["repository"],
            tag=source["tag"],
            commit=source["commit"],
            secret_name=source["secretName"],
        ),
        build=ResolvedBuild(
            type=BuildType(build["type"]),
            image=build["image"],
            insecure=build["insecure"],
            context_dir=build["contextDir"],
            dockerfile=build["dockerfile"],
            args=tuple(BuildArg(arg["name"], arg["value"]) for arg in build.get("args", [])),
            target=build.get("target"),
            resources=Resources(resources.get("requests", {}), resources.get("limits", {})),
            timeout=parse_duration(build["timeout"]),
            push_secret_name=build["pushSecretName"],
            failure_log=build.get("failureLog", False),
        ),
        config=ResolvedConfig(
            repository=config["repository"],
            base_branch=config["baseBranch"],
            branch=config["branch"],
            secret_name=config["secretName"],
            forge_type=ForgeType(config["forgeType"]) if "forgeType" in config else None,
            forge_url=config.get("forgeURL", ""),
            forge_secret_name=config.get("forgeSecretName", ""),
            author_name=config["authorName"],
            author_email=config["authorEmail"],
            edits=tuple(_parse_edit(edit) for edit in config["edits"]),
            # A release that an operator without this field has begun goes on as it began.
            delivery=Delivery(config.get("delivery", Delivery.PULL_REQUEST)),
            pull_request=_parse_pull_request(config.get("pullRequest")),
        ),
        argocd=ResolvedArgoCD(
            applications=tuple(
                Ref(ref["namespace"], ref["name"]) for ref in argocd["applications"]
            ),
            sync_policy=SyncPolicyWish(
                argocd.get("selfHeal"), argocd.get("applyOutOfSyncOnly"), argocd.get("prune")
            ),
            settle=parse_duration(argocd["settle"]),
            timeout=parse_duration(argocd["timeout"]),
        ),
        feedback=_parse_feedback(raw.get("feedback")),
    )
