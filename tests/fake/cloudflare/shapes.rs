//! The forms of the bodies of Pages requests, as the published schema and the official client have them.

use super::shape::{Field, Shape, may, must};

const TEXT: &Shape = &Shape::Text;
const BOOL: &Shape = &Shape::Bool;
const TEXTS: &Shape = &Shape::List(TEXT);
const TEXT_OR_NULL: &Shape = &Shape::Nullable(TEXT);
const BOOL_OR_NULL: &Shape = &Shape::Nullable(BOOL);

const BUILD_CONFIG: &Shape = &Shape::Object(&[
    may("build_caching", BOOL_OR_NULL),
    may("build_command", TEXT_OR_NULL),
    may("destination_dir", TEXT_OR_NULL),
    may("root_dir", TEXT_OR_NULL),
    may("web_analytics_tag", TEXT_OR_NULL),
    may("web_analytics_token", TEXT_OR_NULL),
]);

const SOURCE: &Shape = &Shape::Object(&[
    must("type", &Shape::OneOf(&["github", "gitlab"])),
    must("config", SOURCE_CONFIG),
]);

const SOURCE_CONFIG: &Shape = &Shape::Object(&[
    may("owner", TEXT),
    may("owner_id", TEXT),
    may("repo_name", TEXT),
    may("repo_id", TEXT),
    may("production_branch", TEXT),
    may("pr_comments_enabled", BOOL),
    may("deployments_enabled", BOOL),
    may("production_deployments_enabled", BOOL),
    may(
        "preview_deployment_setting",
        &Shape::OneOf(&["all", "none", "custom"]),
    ),
    may("preview_branch_includes", TEXTS),
    may("preview_branch_excludes", TEXTS),
    may("path_includes", TEXTS),
    may("path_excludes", TEXTS),
]);

/// An environment variable, or null to delete it.
const ENV_VAR: &Shape = &Shape::Nullable(&Shape::Object(&[
    may("type", &Shape::OneOf(&["plain_text", "secret_text"])),
    must("value", TEXT),
]));

/// Bindings by name, each null to delete it.
const BINDINGS: &Shape = &Shape::Nullable(&Shape::Map(&Shape::Nullable(&Shape::Map(&Shape::Any))));

/// The fields of a deployment configuration that hold entries by name.
pub(crate) const KEYED: [&str; 13] = [
    "env_vars",
    "ai_bindings",
    "analytics_engine_datasets",
    "browsers",
    "d1_databases",
    "durable_object_namespaces",
    "hyperdrive_bindings",
    "kv_namespaces",
    "mtls_certificates",
    "queue_producers",
    "r2_buckets",
    "services",
    "vectorize_bindings",
];

const DEPLOYMENT_CONFIG: &Shape = &Shape::Object(&[
    may("env_vars", &Shape::Nullable(&Shape::Map(ENV_VAR))),
    may("ai_bindings", BINDINGS),
    may("analytics_engine_datasets", BINDINGS),
    may("browsers", BINDINGS),
    may("d1_databases", BINDINGS),
    may("durable_object_namespaces", BINDINGS),
    may("hyperdrive_bindings", BINDINGS),
    may("kv_namespaces", BINDINGS),
    may("mtls_certificates", BINDINGS),
    may("queue_producers", BINDINGS),
    may("r2_buckets", BINDINGS),
    may("services", BINDINGS),
    may("vectorize_bindings", BINDINGS),
    may("always_use_latest_compatibility_date", BOOL),
    may("build_image_major_version", &Shape::Number(1, 3)),
    may("compatibility_date", TEXT),
    may("compatibility_flags", TEXTS),
    may("fail_open", BOOL),
    may(
        "limits",
        &Shape::Object(&[must("cpu_ms", &Shape::Number(1, 300_000))]),
    ),
    may(
        "placement",
        &Shape::Nullable(&Shape::Object(&[must("mode", TEXT)])),
    ),
    may(
        "usage_model",
        &Shape::OneOf(&["standard", "bundled", "unbound"]),
    ),
    may("wrangler_config_hash", TEXT),
]);

const DEPLOYMENT_CONFIGS: &Shape = &Shape::Object(&[
    may("preview", DEPLOYMENT_CONFIG),
    may("production", DEPLOYMENT_CONFIG),
]);

const PROJECT: &[Field] = &[
    must("name", TEXT),
    must("production_branch", TEXT),
    may("build_config", BUILD_CONFIG),
    may("source", SOURCE),
    may("deployment_configs", DEPLOYMENT_CONFIGS),
];

/// A new project.
pub(crate) const NEW_PROJECT: &Shape = &Shape::Object(PROJECT);

/// Changes to a project.
pub(crate) const PROJECT_CHANGES: &Shape = &Shape::Object(&[
    may("name", TEXT),
    may("production_branch", TEXT),
    may("build_config", BUILD_CONFIG),
    may(
        "source",
        &Shape::Object(&[
            may("type", &Shape::OneOf(&["github", "gitlab"])),
            may("config", SOURCE_CONFIG),
        ]),
    ),
    may("deployment_configs", DEPLOYMENT_CONFIGS),
]);

/// A new custom domain.
pub(crate) const NEW_DOMAIN: &Shape = &Shape::Object(&[must("name", TEXT)]);

/// The keys of assets.
pub(crate) const HASHES: &Shape = &Shape::Object(&[must("hashes", TEXTS)]);

/// Assets with their content.
pub(crate) const UPLOADS: &Shape = &Shape::List(&Shape::Object(&[
    must("key", TEXT),
    must("value", TEXT),
    must("metadata", &Shape::Object(&[must("contentType", TEXT)])),
    must("base64", BOOL),
]));

/// The manifest of a deployment: keys of assets by path.
pub(crate) const MANIFEST: &Shape = &Shape::Map(TEXT);

/// A batch of changes to records; what the entries hold is the matter of records.
pub(crate) const BATCH: &Shape = &Shape::Object(&[
    may("deletes", &Shape::List(&Shape::Object(&[must("id", TEXT)]))),
    may("patches", &Shape::List(&Shape::Map(&Shape::Any))),
    may("puts", &Shape::List(&Shape::Map(&Shape::Any))),
    may("posts", &Shape::List(&Shape::Map(&Shape::Any))),
]);
