"""From a GraphQL request to its answer, in the form GitHub gives to both."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationType,
    build_ast_schema,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)

from testbed.github import access, npm
from testbed.github.access import Caller
from testbed.github.errors import ApiError
from testbed.github.graphql.operations import Operations, refuse
from testbed.github.site import LoggedRequest, Reply, Request, Site

PATH = "/api/graphql"


@functools.cache
def load_schema() -> GraphQLSchema:
    """Read GitHub's schema; takes two seconds, so it is kept."""
    text = npm.ensure(npm.GRAPHQL).read_text()
    # Some interfaces are older than what they ask of the types that have them.
    return build_ast_schema(parse(text, no_location=True), assume_valid=True, assume_valid_sdl=True)


class GraphqlApi:
    """Answers requests to `/api/graphql`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        caller, headers = Caller(), {}
        is_counted = False
        try:
            caller = access.find_caller(self._world, request.headers.get("authorization"))
            caller.require_user()
            query, variables = _read(request.body)
            status = 200
            body = self._answer(caller, query, variables)
            is_counted = "RATE_LIMITED" not in [each.get("type") for each in body.get("errors", ())]
            if is_counted:
                self._site.limiter.count(caller.account, "graphql", self._world.clock.now())
        except ApiError as error:
            status, body, headers = error.status, error.body, error.headers
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            **self._site.render_limits(caller.account, "graphql"),
            **headers,
        }
        self._site.requests.append(
            LoggedRequest(
                request.method, PATH, status, "graphql", is_counted, account=caller.account
            )
        )
        return Reply(status, headers, json.dumps(body).encode())

    def _answer(self, caller: Caller, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        try:
            document = parse(query)
            faults = validate(load_schema(), document)
        except GraphQLError as error:
            faults = [error]
        if faults:
            self._world.violations += [f"GraphQL: {each.message}" for each in faults]
            return {"errors": [_render_error(each) for each in faults]}
        now = self._world.clock.now()
        window = self._site.limiter.window(caller.account, "graphql", now)
        try:
            self._site.limiter.admit(
                caller.account,
                "graphql",
                now,
                points=_count_points(document),
                creates_content=False,
            )
        except ApiError as error:
            if window.remaining > 0:
                raise
            # Here the status is 200 all the same.
            return {"errors": [{"type": "RATE_LIMITED", "message": error.message}]}
        result = execute_sync(
            load_schema(),
            document,
            Operations(self._world, caller, window).find_roots(),
            variable_values=dict(variables),
            field_resolver=self._resolve,
            type_resolver=lambda value, *_: value["__typename"],
        )
        return self._render(result)

    def _resolve(
        self,
        source: Mapping[str, Any],
        info: GraphQLResolveInfo[None],
        **given: Any,  # noqa: ANN401 - the schema's own
    ) -> object:
        if info.field_name not in source:
            lacking = f"the stand-in lacks {info.parent_type.name}.{info.field_name}"
            self._world.violations.append(lacking)
            raise refuse(lacking, "INTERNAL")
        value = source[info.field_name]
        return value(**given) if callable(value) else value

    def _render(self, result: ExecutionResult) -> dict[str, Any]:
        errors = [_render_error(each) for each in result.errors or ()]
        for error in result.errors or ():
            if "type" not in (error.extensions or {}):
                self._world.violations.append(f"GraphQL: {error.message}")
        body: dict[str, Any] = {"data": result.data}
        return {**body, "errors": errors} if errors else body


def _render_error(error: GraphQLError) -> dict[str, Any]:
    kind = (error.extensions or {}).get("type")
    rendered: dict[str, Any] = {} if kind is None else {"type": kind}
    if error.path is not None:
        rendered["path"] = error.path
    places = [{"line": each.line, "column": each.column} for each in error.locations or ()]
    return {**rendered, "locations": places, "message": error.message}


def _count_points(document: DocumentNode) -> int:
    """Count what a request costs of the minute: one, or five where it changes something."""
    operation = get_operation_ast(document)
    return 5 if operation is not None and operation.operation is OperationType.MUTATION else 1


def _read(data: bytes) -> tuple[str, Mapping[str, Any]]:
    try:
        body = json.loads(data)
    except ValueError:
        raise ApiError(400, "Problems parsing JSON") from None
    query = body.get("query") if isinstance(body, dict) else None
    if not isinstance(query, str):
        raise ApiError(400, "A query attribute must be specified and must be a string.")
    return query, body.get("variables") or {}
