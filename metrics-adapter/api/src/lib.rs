//! Wire types of the Kubernetes metrics APIs: documents as they travel in JSON, and exact quantities. Holds no client, no
//! server and no clock; a value's meaning (rates, targets, policies) belongs to the programs that exchange it.

pub mod custom_metrics;
pub mod discovery;
pub mod quantity;
pub mod selector;
pub mod status;
pub mod time;

pub use discovery::{ApiGroup, ApiGroupList, ApiResource, ApiResourceList, GroupVersion, VersionInfo};
pub use quantity::{ParseQuantityError, Quantity};
pub use selector::{LabelSelector, Requirement};
pub use status::{Status, StatusDetails};
pub use time::Time;

/// The `metadata` of lists and statuses: this API has no paging and no versions of its own, so it is an empty object.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ListMeta {}
