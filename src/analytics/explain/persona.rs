//! Cluster, persona, and what to do next.

use super::Section;
use super::facts::Facts;
use super::words::percent;

/// Below this a customer lies about as near to another cluster.
const CLEAR: f64 = 0.2;

/// The name of the persona.
fn name(facts: &Facts) -> Option<&str> {
    let of_cluster = facts.persona.as_ref().and_then(|persona| persona.persona.as_deref());
    of_cluster.or(facts.wide.as_ref().and_then(|wide| wide.persona.as_deref()))
}

/// `Segment Champions, persona VIPs (confidence 82 %).`
pub(super) fn sentence(facts: &Facts) -> Option<String> {
    let segment = facts.segments.iter().find(|one| one.scheme == "classic11").and_then(|one| one.segment.as_deref());
    let confidence = facts.cluster.as_ref().and_then(|cluster| cluster.persona_confidence);
    let confidence = confidence.map(|share| format!(" (confidence {})", percent(share))).unwrap_or_default();
    match (segment, name(facts)) {
        (Some(segment), Some(persona)) => Some(format!("Segment {segment}, persona {persona}{confidence}.")),
        (Some(segment), None) => Some(format!("Segment {segment}.")),
        (None, Some(persona)) => Some(format!("Persona {persona}{confidence}.")),
        (None, None) => None,
    }
}

pub(super) fn section(facts: &Facts) -> Section {
    let mut section = Section::new("persona", "Persona and next step");
    if let Some(persona) = name(facts) {
        let cluster = facts.cluster.as_ref().and_then(|cluster| cluster.cluster_id);
        let note = cluster.map(|id| format!("the name of cluster {id}")).unwrap_or_default();
        section.tell("persona", persona, "persona", persona, note);
    }
    match &facts.cluster {
        Some(cluster) => {
            section.keep("cluster_id", cluster.cluster_id);
            if let Some(share) = cluster.persona_confidence {
                let note = match share < CLEAR {
                    true => "near the border to another cluster: a little more or less would change it",
                    false => "0 is on the border to another cluster, 100 in the middle of this one",
                };
                section.tell("persona_confidence", share, "confidence", percent(share), note);
            }
        }
        None => section.left_out.push(facts.why_missing("customer_clusters")),
    }
    match facts.persona.as_ref().and_then(|persona| persona.reason.as_deref()) {
        Some(reason) => {
            let closed = if reason.ends_with('.') { "" } else { "." };
            section.because.push(format!("Why the cluster has this name: {reason}{closed}"));
        }
        None if facts.cluster.is_some() => section.left_out.push(facts.why_missing("cluster_personas")),
        None => {}
    }
    match &facts.wide {
        Some(wide) => {
            if let Some(action) = &wide.next_best_action {
                section.tell("next_best_action", action.as_str(), "next step", action, "");
            }
            if let Some(channel) = &wide.next_best_channel {
                section.tell("next_best_channel", channel.as_str(), "by way of", channel, "");
            }
        }
        None => section.left_out.push(facts.why_missing("customer_360")),
    }
    section
}
