//! The HTTP side: discovery and values of the custom metrics API, as an aggregated API server answers them, and the admin
//! endpoints. What a value is, the provider says; who may ask, later the room for delegated authorization will.

mod custom_metrics;
mod discovery;
mod failure;
mod path;
mod reply;
mod selector;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use daemon::admin::{self, Readiness};
use jiff::Timestamp;
use metrics_api::VersionInfo;
use metrics_api::custom_metrics::GROUP;

use self::failure::Failure;
use self::path::Route;
use self::reply::Wishes;
use crate::metrics::{OwnMetrics, Shown};
use crate::provider::Provider;
use crate::relist::Current;

/// A version of the custom metrics API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1beta1,
    V1beta2,
}

impl Version {
    const fn name(self) -> &'static str {
        match self {
            Self::V1beta1 => "v1beta1",
            Self::V1beta2 => "v1beta2",
        }
    }
}

/// The API groups that are served, with their versions in order of preference.
#[derive(Clone, Debug, Default)]
pub struct Groups(Vec<(String, &'static [Version])>);

impl Groups {
    /// The group of custom metrics, if it is served, and its further names. Those are from a time with one version.
    #[must_use]
    pub fn new(serves_custom: bool, alias_groups: Vec<String>) -> Self {
        let custom = (GROUP.to_owned(), &[Version::V1beta1, Version::V1beta2][..]);
        let aliases = alias_groups.into_iter().map(|group| (group, &[Version::V1beta1][..]));
        let mut groups: Vec<_> = [custom].into_iter().chain(aliases).filter(|_| serves_custom).collect();
        groups.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Self(groups)
    }

    fn versions(&self, group: &str) -> Option<&'static [Version]> {
        self.0.iter().find(|served| served.0 == group).map(|served| served.1)
    }

    fn version(&self, group: &str, name: &str) -> Option<Version> {
        self.versions(group)?.iter().copied().find(|version| version.name() == name)
    }
}

struct Server {
    groups: Groups,
    provider: Provider,
    current: Current,
    own: OwnMetrics,
}

/// All routes.
pub fn router(
    groups: Groups,
    provider: Provider,
    current: Current,
    own: OwnMetrics,
    shown: Shown,
    readiness: Readiness,
) -> Router {
    let server = Arc::new(Server { groups, provider, current, own: own.clone() });
    let api = Router::new().route("/", get(paths)).route("/version", get(version)).fallback(apis).with_state(server);
    let counted = axum::middleware::from_fn_with_state(own, count);
    api.merge(admin::router(shown, readiness)).layer(counted)
}

async fn count(State(own): State<OwnMetrics>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    own.answered(response.status().as_u16());
    response
}

async fn paths(State(server): State<Arc<Server>>, request: Request) -> Response {
    let mut paths = vec!["/apis".to_owned(), "/healthz".to_owned(), "/livez".to_owned(), "/metrics".to_owned()];
    for (group, versions) in &server.groups.0 {
        paths.push(format!("/apis/{group}"));
        paths.extend(versions.iter().map(|version| format!("/apis/{group}/{}", version.name())));
    }
    paths.extend(["/readyz".to_owned(), "/version".to_owned()]);
    paths.sort_unstable();
    reply::json(200, &serde_json::json!({ "paths": paths }), &Wishes::of(&request))
}

async fn version(request: Request) -> Response {
    let (major, rest) = env!("CARGO_PKG_VERSION").split_once('.').unwrap_or_default();
    let version = VersionInfo {
        major: major.to_owned(),
        minor: rest.split('.').next().unwrap_or_default().to_owned(),
        git_version: concat!("v", env!("CARGO_PKG_VERSION")).to_owned(),
        git_commit: String::new(),
        git_tree_state: String::new(),
        build_date: String::new(),
        go_version: String::new(),
        compiler: "rustc".to_owned(),
        platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    };
    reply::json(200, &version, &Wishes::of(&request))
}

/// Everything else, which is the API.
async fn apis(State(server): State<Arc<Server>>, request: Request) -> Response {
    let wishes = Wishes::of(&request);
    let (method, uri) = (request.method().clone(), request.uri().clone());
    match answer(&server, &method, &uri, &wishes).await {
        Ok(response) => response,
        Err(failure) => failure.response(&wishes),
    }
}

async fn answer(server: &Server, method: &Method, uri: &Uri, wishes: &Wishes) -> Result<Response, Failure> {
    let route = path::route(uri.path(), &server.groups)?;
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Failure::Method);
    }
    if !wishes.takes_json {
        return Err(Failure::NotAcceptable);
    }
    let response = match route {
        Route::Groups => reply::json(200, &discovery::groups(&server.groups), wishes),
        Route::Group(group) => reply::json(200, &discovery::group(&server.groups, &group), wishes),
        Route::Resources(group, version) => {
            reply::json(200, &discovery::resources(&group, version, &server.current.get()), wishes)
        }
        Route::Values { group, version, asked } => {
            let now = Timestamp::now().as_millisecond();
            let (question, echo) = custom_metrics::question(asked, uri.query().unwrap_or_default())?;
            let values = server.provider.values(&question, now).await?;
            if let Some(newest) = values.iter().map(|value| value.time).max() {
                server.own.fresh(now - newest);
            }
            custom_metrics::response(&group, version, &question.metric, echo, values, wishes)
        }
    };
    Ok(response)
}

/// Nothing here may be kept by a cache: the next answer is another one.
const NO_CACHE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-cache, private");
