//! Which pods are the target's: those that its scale's selector finds, unless another autoscaler finds them too. Every fault
//! has its condition and events.

use crate::conditions::ConditionType;
use crate::decide::Observation;
use crate::pods::Pod;
use crate::selector::Selector;

/// Why the pods cannot be told.
pub(super) struct Unusable {
    /// The reason of the event.
    pub event: &'static str,
    /// The reason of the condition.
    pub condition: &'static str,
    /// The condition's message.
    pub message: String,
    /// The event's message, which is also the error.
    pub error: String,
}

/// The pods of the target.
pub(super) fn selected<'a>(observation: &Observation<'a>, selector: &str) -> Result<Vec<&'a Pod>, Unusable> {
    if selector.is_empty() {
        return Err(Unusable {
            event: "SelectorRequired",
            condition: "InvalidSelector",
            message: "the HPA target's scale is missing a selector".to_owned(),
            error: "selector is required".to_owned(),
        });
    }
    let parsed = Selector::parse(selector).map_err(|error| {
        let message = format!("couldn't convert selector into a corresponding internal selector object: {error}");
        Unusable { event: "InvalidSelector", condition: "InvalidSelector", error: message.clone(), message }
    })?;
    let pods: Vec<&Pod> = observation.pods.iter().filter(|pod| parsed.matches(&pod.labels)).collect();
    let also = observation.neighbours.iter().filter(|neighbour| {
        // A neighbour whose own selector cannot be read selects nothing.
        Selector::parse(&neighbour.selector).is_ok_and(|theirs| pods.iter().any(|pod| theirs.matches(&pod.labels)))
    });
    let namespace = &observation.autoscaler.namespace;
    let mut names: Vec<String> = also.map(|neighbour| format!("{namespace}/{}", neighbour.name)).collect();
    if names.is_empty() {
        return Ok(pods);
    }
    names.push(format!("{namespace}/{}", observation.autoscaler.name));
    // Sorted, where upstream's order is random and rewrites the status at every sync.
    names.sort_unstable();
    let names = names.join(" ");
    let message = format!("pods by selector {selector} are controlled by more than one HPA (e.g. [{names}])");
    Err(Unusable { event: "AmbiguousSelector", condition: "AmbiguousSelector", error: message.clone(), message })
}

/// The condition that an unusable selector sets.
pub(super) const CONDITION: ConditionType = ConditionType::ScalingActive;
