"""Build arguments, and which of them would be secrets: all of them stay readable in the image."""

from typing import Annotated

from pydantic import Field

from album_operator.api.model import Model, Rule, Rules
from album_operator.api.predicates import contains, finds, matches, upper_matches

# BuildKit's own check (`SecretsUsedInArgOrEnv`) goes by such words wherever they stand. It is known
# for what it takes for secrets, public keys, names, files and versions (moby/buildkit#5403, #5504,
# #5775), and for what it lets through (#6064). So the first and last words count too.
_SECRET = (
    upper_matches(r".*(SECRET|PASSWORD|PASSWD|PWORD|PASSPHRASE|CREDENTIAL|PRIVATE_?KEY)S?(_.*)?")
    | upper_matches(
        r"((.*_)?(PASS|PAT|PWD|PSW|PW|CREDS?|ID_RSA)"
        r"(_(BASE64|B64|JSON|VALUE|DEV|STAGING|PROD|RO|RW|[0-9]+))?"
        r"|.*(STORE|DB|SSH|USER|ROOT|ADMIN)(PASS|PWD|PW))"
    )
    | finds(r"[a-z](Pass|Pwd|Pat)$")
)
_KEY = upper_matches(
    r"(.*(TOKEN|(API|ACCESS|AUTH|DEPLOY|ENCRYPTION|LICENSE|MASTER|SIGNING|SSH)_?KEY)S?(_.*)?"
    r"|(.*_)?(KEYS?|AUTH(_CONFIG)?)(_(BASE64|B64|JSON|VALUE|DEV|STAGING|PROD|[0-9]+))?)"
) | finds(r"[a-z](Keys?|Auth)$")

# A public key, a fingerprint, or what a bundler writes into the pages it makes.
_PUBLIC = upper_matches(
    r"((NEXT_PUBLIC|NUXT_PUBLIC|EXPO_PUBLIC|PUBLIC|VITE|REACT_APP|VUE_APP|GATSBY)_.*"
    r"|(.*_)?(PUBLIC|PUB|PUBLISHABLE|ANON|GPG|PGP|APT|YUM|RPM|REPO|CACHE|SORT|PARTITION|PRIMARY"
    r"|FOREIGN)_?KEYS?(_.*)?)"
)
_OTHERWISE = upper_matches(
    r"((ENABLE|DISABLE|SKIP|USE|REQUIRE|WITH|WITHOUT|NO|HAS|IS|ALLOW|MAX|MIN|NUM)_.*|(HOST_)?PWD"
    r"|.*_(ALGORITHM|ALIAS|CHECKSUM|COUNT|DIGEST|DIR|DISABLED|DUMMY|ENABLED|ENCRYPTION|ENDPOINT"
    r"|EXPIRY|FILE|FILENAME|FINGERPRINT|FOLDER|FORMAT|HEADER|HOST|IDS?|IMAGE|ISSUER|LENGTH|LIMIT"
    r"|MANAGER|MAX|MIN|MODE|MODULE|NAMES?|PATH|PLUGIN|POLICY|PORT|PREFIX|PROMPT|PROVIDER|REF|REGION"
    r"|REPO|REQUIRED|SCOPE|SERVER|SERVICE|SHA256|SHA512|SIZE|STORE|SUFFIX|TAG|TIMEOUT|TTL|TYPE|UR[IL]"
    r"|USER|USERNAME|VERSION))"
) & ~upper_matches(r"(.*_)?SECRET_ID")

_WAY_OUT = "name its Secret in spec.build.secrets"

_KNOWN_ARG = Rules(
    Rule(
        ~upper_matches("(LD_.*|BASH_ENV)"),
        "build arguments named LD_* or BASH_ENV would change how every command of the build runs: "
        "choose another name.",
    ),
    Rule(
        _OTHERWISE | (~_SECRET & (~_KEY | _PUBLIC)),
        "build arguments stay readable in the image's history, so they must not hold secrets, as "
        f"this name says it does: {_WAY_OUT}; or choose a name that says what else it is, such as "
        "one that ends with _FILE, _NAME, _URL or _ID.",
    ),
)

ArgName = Annotated[
    str,
    Field(max_length=64, examples=["GO_VERSION"]),
    Rule(
        matches("[A-Za-z_][A-Za-z0-9_]*"),
        "a build argument's name must be letters, digits and '_', not beginning with a digit.",
    ),
    _KNOWN_ARG,
]

VersionArg = Annotated[
    str,
    Field(max_length=64, examples=["APP_VERSION"]),
    Rule(
        matches("([A-Za-z_][A-Za-z0-9_]*)?"),
        "versionArg must be the name of a build argument, letters, digits and '_', not beginning "
        "with a digit; or empty, for a build that is not told its version.",
    ),
    _KNOWN_ARG,
]

ArgValue = Annotated[
    str,
    Field(max_length=1024),
    Rule(
        ~finds(r"[\x00-\x1f\x7f]"),
        "a build argument's value must be one line without control characters.",
    ),
    # Kubernetes expands `$(NAME)` in a container's arguments.
    Rule(
        ~contains("$("),
        "a build argument's value must not contain $(, which Kubernetes would expand: write the "
        "value out.",
    ),
    Rule(
        ~(
            finds("://[^/?#@ ]*:[^/?#@ ]+@")
            | finds(
                "(?i)[?&;](password|passwd|pwd|(access_|auth_|private_)?token|api_?key|accountkey"
                "|secret|sig)=[^&; ]"
            )
        ),
        "a build argument's value must not hold a URL with a password, for it stays readable in "
        f"the image's history: {_WAY_OUT}, or write the URL without it.",
    ),
    Rule(
        # How GitHub, GitLab, npm and Slack let their tokens begin, and a key in PEM.
        ~finds(
            "(^|[^A-Za-z0-9])(gh[oprsu]_[A-Za-z0-9]{30}|github_pat_[A-Za-z0-9_]{30}"
            "|glpat-[A-Za-z0-9_-]{20}|npm_[A-Za-z0-9]{36}|xox[abp]-[A-Za-z0-9-]{20})"
            "|-----BEGIN [A-Z ]*PRIVATE KEY"
        ),
        "a build argument's value must not be a token or a private key, for it stays readable in "
        f"the image's history: {_WAY_OUT}.",
    ),
]


class BuildArg(Model):
    """One build argument (ARG of the Dockerfile)."""

    name: ArgName = Field(description="Name of the ARG.")
    value: ArgValue = Field(description="Its value.")
