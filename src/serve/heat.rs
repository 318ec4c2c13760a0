//! The cohort heat map: rows are months of the first order, columns are months since, shades are shares.

use super::format::{integer, percent};
use crate::warehouse::pages::CohortCell;
use serde::Serialize;
use std::collections::BTreeMap;

/// Shades that the style sheet has, 0 the lowest.
const SHADES: usize = 10;

/// A table with a shade for each cell.
#[derive(Debug, Serialize)]
pub(super) struct HeatMap {
    periods: Vec<i32>,
    rows: Vec<Row>,
    /// Mean of the complete cells of each period, weighted by cohort size.
    means: Vec<Option<Cell>>,
    has_incomplete: bool,
    /// The share that the deepest shade stands for.
    top: String,
}

#[derive(Debug, Serialize)]
struct Row {
    month: String,
    iso: String,
    size: String,
    cells: Vec<Option<Cell>>,
}

#[derive(Debug, Serialize)]
struct Cell {
    text: String,
    /// None in the first period, which is always everybody.
    shade: Option<usize>,
    is_complete: bool,
}

/// Arranges the cells; `None` without any.
pub(super) fn heat_map(cells: &[CohortCell]) -> Option<HeatMap> {
    let last = cells.iter().map(|cell| cell.period_n).max()?;
    let later = cells.iter().filter(|cell| cell.period_n > 0);
    let highest = later.map(|cell| cell.active_share).filter(|share| share.is_finite()).fold(0.0, f64::max);
    // Up to the next tenth, so that the legend has a round number.
    let top = ((highest * 10.0).ceil() / 10.0).clamp(0.1, 1.0);
    let told = |period: i32, share: f64, is_complete: bool| Cell {
        text: whole_percent(share),
        shade: (period > 0).then(|| shade(share, top)),
        is_complete,
    };
    let mut cohorts: BTreeMap<chrono::NaiveDate, BTreeMap<i32, &CohortCell>> = BTreeMap::new();
    for cell in cells {
        cohorts.entry(cell.cohort_month).or_default().insert(cell.period_n, cell);
    }
    let periods: Vec<i32> = (0..=last).collect();
    let rows = cohorts
        .iter()
        .map(|(month, cohort)| Row {
            month: month.format("%b %Y").to_string(),
            iso: month.format("%Y-%m").to_string(),
            size: cohort.values().next().map_or_else(String::new, |cell| integer(cell.cohort_size)),
            cells: periods
                .iter()
                .map(|period| cohort.get(period).map(|cell| told(*period, cell.active_share, cell.is_complete)))
                .collect(),
        })
        .collect();
    let mean = |period: &i32| {
        let complete = cells.iter().filter(|cell| cell.period_n == *period && cell.is_complete);
        let (active, size) = complete.fold((0.0, 0.0), |(active, size), cell| {
            let weight = cell.cohort_size as f64;
            (active + weight * cell.active_share, size + weight)
        });
        (size > 0.0).then(|| told(*period, active / size, true))
    };
    Some(HeatMap {
        means: periods.iter().map(mean).collect(),
        has_incomplete: cells.iter().any(|cell| !cell.is_complete),
        top: percent(top),
        periods,
        rows,
    })
}

/// Cells are narrow: whole per cents, and what is there at all is not shown as nothing.
fn whole_percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent > 0.0 && percent < 0.5 => "<1%".into(),
        percent => format!("{percent:.0}%"),
    }
}

/// Shade of a share between 0 and `top`.
fn shade(share: f64, top: f64) -> usize {
    let place = (share / top).clamp(0.0, 1.0) * (SHADES - 1) as f64;
    if place.is_finite() { place.round() as usize } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(month: u32, period_n: i32, active_share: f64, is_complete: bool) -> CohortCell {
        let cohort_month = chrono::NaiveDate::from_ymd_opt(2026, month, 1).expect("a month");
        CohortCell { cohort_month, period_n, cohort_size: i64::from(month) * 100, active_share, is_complete }
    }

    #[test]
    fn means_leave_out_incomplete_cells_and_weigh_by_size() {
        let cells = [cell(1, 0, 1.0, true), cell(1, 1, 0.1, true), cell(2, 0, 1.0, true), cell(2, 1, 0.4, true)];
        let map = heat_map(&cells).expect("cells");
        assert_eq!(map.means[1].as_ref().map(|mean| mean.text.as_str()), Some("30%"));
        let cells = [cell(1, 1, 0.1, true), cell(2, 1, 0.4, false)];
        let map = heat_map(&cells).expect("cells");
        assert_eq!(map.means[1].as_ref().map(|mean| mean.text.as_str()), Some("10%"));
        assert!(map.has_incomplete && map.means[0].is_none());
    }

    #[test]
    fn the_highest_share_has_the_deepest_shade() {
        assert_eq!([shade(0.0, 0.4), shade(0.4, 0.4), shade(9.0, 0.4), shade(f64::NAN, 0.4)], [0, 9, 9, 0]);
    }
}
