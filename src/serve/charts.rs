//! Places of the drawn things: a stacked strip of shares, and a small line chart over whole numbers.

use super::format::{decimal, percent};
use serde::Serialize;

/// A stacked bar of shares.
#[derive(Debug, Serialize)]
pub(super) struct Strip {
    label: &'static str,
    parts: Vec<Part>,
}

#[derive(Debug, Serialize)]
struct Part {
    name: String,
    slug: String,
    /// First letter of the name, so that colour is not all that tells the parts apart.
    letter: String,
    share: String,
    /// The share in short, for the narrow parts.
    label: String,
    /// Attributes of the rectangle, in per cent of the strip.
    x: String,
    width: String,
    /// Middle of the part, for its label; none where the label has no room.
    label_x: Option<String>,
}

/// Below this share a part is too narrow for its label.
const ROOM_FOR_LABEL: f64 = 0.14;

/// Parts one after another; what is negative or no number takes no place.
pub(super) fn strip(label: &'static str, shares: &[(String, f64)]) -> Strip {
    let sizes: Vec<f64> =
        shares.iter().map(|(_, share)| if share.is_finite() { share.max(0.0) } else { 0.0 }).collect();
    let total = sizes.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let mut from = 0.0;
    let parts = shares
        .iter()
        .zip(sizes)
        .map(|((name, share), size)| {
            let width = size / total;
            let part = Part {
                name: name.clone(),
                slug: slug(name),
                letter: name.chars().take(1).collect(),
                share: percent(*share),
                label: format!("{:.0}%", width * 100.0),
                x: format!("{:.3}%", from * 100.0),
                width: format!("{:.3}%", width * 100.0),
                label_x: (width >= ROOM_FOR_LABEL).then(|| format!("{:.3}%", (from + width / 2.0) * 100.0)),
            };
            from += width;
            part
        })
        .collect();
    Strip { label, parts }
}

/// `At Risk` to `at_risk`: what names the persona's relation, file and style.
pub(super) fn slug(persona: &str) -> String {
    persona.to_lowercase().replace([' ', '-'], "_")
}

/// A line chart, in the coordinates of its view box.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    title: &'static str,
    note: &'static str,
    /// Points of the polyline.
    path: String,
    marks: Vec<Mark>,
    ticks: Vec<Tick>,
    left: f64,
    right: f64,
    base: f64,
    width: f64,
    height: f64,
}

#[derive(Debug, Serialize)]
struct Mark {
    x: f64,
    y: f64,
    label: String,
    value: String,
    is_chosen: bool,
}

#[derive(Debug, Serialize)]
struct Tick {
    y: f64,
    label: String,
}

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 284.0;
const TOP: f64 = 16.0;
const BASE: f64 = 118.0;

/// A line through the points, scaled to their range; `None` without a point.
pub(super) fn line(
    title: &'static str,
    note: &'static str,
    points: &[(i32, f64)],
    chosen: Option<i32>,
) -> Option<Line> {
    let (first, last) = (points.first()?.0, points.last()?.0);
    let low = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
    // A flat line lies in the middle.
    let (low, high) = if high - low > 1e-9 { (low, high) } else { (low - 0.5, high + 0.5) };
    let round = |place: f64| (place * 10.0).round() / 10.0;
    let x = |k: i32| match last - first {
        0 => round((LEFT + RIGHT) / 2.0),
        span => round(LEFT + 14.0 + f64::from(k - first) / f64::from(span) * (RIGHT - LEFT - 28.0)),
    };
    let y = |value: f64| round(BASE - 8.0 - (value - low) / (high - low) * (BASE - 8.0 - TOP));
    let marks: Vec<Mark> = points
        .iter()
        .map(|(k, value)| Mark {
            x: x(*k),
            y: y(*value),
            label: k.to_string(),
            value: decimal(*value, 3),
            is_chosen: chosen == Some(*k),
        })
        .collect();
    let path: Vec<String> = marks.iter().map(|mark| format!("{},{}", mark.x, mark.y)).collect();
    let ticks = [low, f64::midpoint(low, high), high].map(|value| Tick { y: y(value), label: decimal(value, 2) });
    Some(Line {
        title,
        note,
        path: path.join(" "),
        marks,
        ticks: ticks.into(),
        left: LEFT,
        right: RIGHT,
        base: BASE,
        width: WIDTH,
        height: HEIGHT,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_strip_fill_it() {
        let strip = strip("Revenue", &[("VIPs".into(), 0.3), ("At Risk".into(), 0.1), ("Nobody".into(), f64::NAN)]);
        let places: Vec<_> = strip.parts.iter().map(|part| (part.x.as_str(), part.width.as_str())).collect();
        assert_eq!(places, [("0.000%", "75.000%"), ("75.000%", "25.000%"), ("100.000%", "0.000%")]);
    }

    #[test]
    fn a_line_stays_in_its_box() {
        let line = line("Silhouette", "", &[(4, 0.2), (5, 0.4), (6, 0.1)], Some(5)).expect("points");
        assert!(line.marks.iter().all(|mark| (LEFT..=RIGHT).contains(&mark.x) && (TOP..=BASE).contains(&mark.y)));
        assert_eq!(line.marks.iter().filter(|mark| mark.is_chosen).count(), 1);
        assert!(line.marks[1].y < line.marks[0].y, "higher values lie higher");
    }

    #[test]
    fn one_point_and_no_point_are_drawn_too() {
        let single = line("Inertia", "", &[(4, 1.0)], None).expect("a point");
        assert!(single.marks[0].y.is_finite() && single.marks[0].x.is_finite());
        assert!(line("Inertia", "", &[], None).is_none());
    }
}
