"""Names of build arguments as public Dockerfiles and build scripts have them, and values."""


def _words(text: str) -> list[str]:
    return text.split()


SECRET_NAMES = _words("""
API_KEY AWS_SECRET_ACCESS_KEY BETTER_AUTH_SECRET CF_D1_API_TOKEN CI_JOB_TOKEN CLOUD_API_KEY
COMPOSER_AUTH CREDENTIAL CREDENTIALS DB_ENCRYPTION_KEY DB_PASS DB_PASSWD DD_API_KEY
DOCKER_AUTH_CONFIG DO_SPACES_SECRET_KEY FIREBASE_PRIVATE_KEY GITHUB_ACCESS_TOKEN GITHUB_PAT
GOOGLE_CLIENT_SECRET JWT_SECRET KEY KEYCLOAK_CLIENT_SECRET KEYSTORE_FILE_PASSWORD KEYSTORE_PASS
MAXMIND_GEOIP_DB_LICENSE_KEY MAXMIND_LICENSE_KEY NEXTAUTH_SECRET NEXT_PUBLIC_CLIENT_SECRET NPM_TOKEN
PASSWD PASSWORD PASSWORD_DB PASSWORD_HASH PASSWORD_REALTIMEDATA PGPASSWORD RAILS_MASTER_KEY
SECRET_KEY SECRET_KEY_BASE SENTRY_AUTH_TOKEN SHARED_SECRET_KEY SIDEKIQ_CREDS SMTP_PASSWORD SOME_PSW
SSH_KEY SSH_PASSWORD SSH_PRIVATE_KEY SSH_PRIVATE_KEY_STR STRIPE_API_KEY_2 TELEGRAM_BOT_TOKEN
TOKEN_GITHUB TOKEN_JWT_KEY USER_PASS VAPID_PRIVATE_KEY VAULT_SECRET_ID VITE_GITHUB_PAT apiKey
bearer_token db_password github_pat id_rsa keystorepass maxmind_key npm_config__auth
npm_config__authToken private_key secret_key_base sqlconfig_dbpw ssh_prv_key sudoPass token_secret
""")

HONEST_NAMES = _words("""
AUTHELIA_VERSION AUTHOR AUTH_AZURE_AD_CLIENT_ID AUTH_MODE AUTH_MODULE_VERSION AUTH_TOKEN_URL
AWS_ACCESS_KEY_ID BYPASS BYPASS_CACHE CACHE_KEY COMPASS_VERSION CREDENTIAL_MANAGER
DB_PASSWORD_SECRET_NAME ENABLE_AUTH ENABLE_AUTHENTICATION ENABLE_AUTHZ ENV GO_VERSION GPG_KEY
GPG_KEYS GPG_KEYSERVER GPG_KEY_URL HOST_PWD HOTKEY KEYBOARD KEYBOARD_LAYOUT KEYCLOAK_ISSUER
KEYCLOAK_VERSION KEYRING KEYSTORE_DIR KEY_ALIAS KEY_ENABLED KEY_NAME KMS_KEY_ALIAS MAX_TOKENS MONKEY
NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY NEXT_PUBLIC_FIREBASE_API_KEY NEXT_PUBLIC_MAPBOX_TOKEN
NEXT_PUBLIC_SUPABASE_ANON_KEY NEXT_PUBLIC_VAPID_PUBLIC_KEY NPM_CONFIG_LOGLEVEL NPM_CONFIG_REGISTRY
PASSENGER_APP_ENV PASSENGER_VERSION PASSWORD_ENCRYPTION PASSWORD_FOLDER_PATH PATCH_VERSION
PATH_PREFIX PATTERN PIP_EXTRA_INDEX_URL PUBLIC_KEY PUBLIC_KEYSTATIC_GITHUB_REPO PUBLIC_KEY_HEX
PUBLIC_KEY_URL PWD REQUIRE_MFA_AUTH SCCACHE_WEBDAV_KEY_PREFIX SECRETARY SECRETS_DIR
SECRET_KEY_BASE_DUMMY SENTRY_DSN SENTRY_RELEASE SESSION_SECRET_FILE SSH_KEY_FILE SSH_KEY_PATH
SSH_PRIVATE_KEY_PATH TOKENIZER TOKENIZER_NAME TOKENIZER_SHA256 TURKEY VITE_API_KEY VITE_FIXTURE_AUTH
WHISKEY host_pwd public_key ssh_pub_key
""")

SECRET_URLS = (
    "https://user:pw@git.example.org/simple",
    "https://:pw@pypi.example.org/simple",
    "https://__token__:abc-123@pypi.example.org/simple https://pypi.org/simple",
    "postgres://app:p%40ss@db:5432/app",
    "redis://:pw@cache",
    "mongodb+srv://u:p@c.example.org/?retryWrites=true",
    "http://user:${PW}@proxy.example.org:3128",
    "jdbc:postgresql://db/app?user=app&password=pw",
    "https://files.example.org/a.zip?access_token=abc",
    "https://maps.example.org/js?apiKey=abc",
    "https://blobs.example.org/a?sv=1&sig=abc",
    "Server=db;Database=app;Pwd=pw",
)

# Put together here, so that nobody who looks for lost tokens finds one.
SECRET_TEXTS = (
    "ghp" + "_" + "a1B2" * 9,
    "token=" + "github" + "_pat_" + "a1B2" * 10,
    "glpat" + "-" + "a1B2" * 5,
    "npm" + "_" + "a1B2" * 9,
    "xoxb" + "-" + "1234-" * 6,
    r"-----BEGIN OPENSSH PRIVATE " + r"KEY-----\nabc",
)

HONEST_VALUES = (
    "https://git.example.org:8443/a/b",
    "https://user@git.example.org/a/b",
    "ssh://git@git.example.org:22/a/b",
    "git@git.example.org:a/b",
    "https://registry.example.org:8443/@scope/package",
    "https://example.org:80?mail=a@b.example",
    "http://[::1]:80/",
    "https://example.org/?tokenizer=fast&keyboard=de",
    "https://example.org/a?token=",
    "npm_config_registry",
    "npm:left-pad@1.3.0",
    "a:b@c",
    "-----BEGIN PUBLIC KEY-----",
)
