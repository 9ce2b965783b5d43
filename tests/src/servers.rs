//! Real servers for tests: each is a value that starts on free ports in a temporary folder, is ready when it is given out,
//! shows the end of its log when a test fails, and is gone with the test, also when the test is killed. `cargo xtask
//! servers` gets their programs; this room downloads nothing.
//!
//! Starting takes seconds, so a test asks for the server that all tests of a run share (`shared`), and keeps to a namespace
//! or an index of its own. `KUBECONFIG`, `PROMETHEUS_URL`, `ELASTICSEARCH_URL` and `OPENSEARCH_URL` name servers to use instead.

pub mod certificates;
pub mod control_plane;
pub mod forward;
pub mod image;
pub mod installed;
pub mod kubernetes;
pub mod node;
pub mod place;
pub mod prometheus;
pub mod room;
pub mod sandbox;
pub mod search;
pub mod shared;

pub use control_plane::ControlPlane;
pub use kubernetes::Kubernetes;
pub use node::Cluster;
pub use prometheus::Prometheus;
pub use search::{Elasticsearch, OpenSearch};
pub use shared::Lease;
