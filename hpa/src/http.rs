//! The HTTP side: `/decisions` beside the admin endpoints. It shows what was decided and changes nothing.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;

use crate::decisions::Decisions;

/// `/decisions` over `admin`'s routes.
pub fn router(decisions: Arc<Decisions>, admin: Router) -> Router {
    Router::new().route("/decisions", get(report)).with_state(decisions).merge(admin)
}

async fn report(State(decisions): State<Arc<Decisions>>, Query(query): Query<Vec<(String, String)>>) -> Response {
    let since = query.iter().find(|(name, _)| name == "since").map(|(_, value)| value.parse::<i64>());
    match since {
        None => Json(decisions.report(i64::MIN)).into_response(),
        Some(Ok(since)) => Json(decisions.report(since)).into_response(),
        Some(Err(_)) => {
            (StatusCode::BAD_REQUEST, "since is no number: give the milliseconds since 1970 of the last decision you know\n")
                .into_response()
        }
    }
}
