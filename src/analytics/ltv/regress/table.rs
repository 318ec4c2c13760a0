//! Customers as named columns of numbers: their history, the mean value of their purchases, and every feature.

use crate::analytics::ltv::estimator::Customers;

const DAYS_OF_A_WEEK: f64 = 7.0;

/// No amount or age of this size is real; beyond it a value counts as not known, so that squares and sums stay finite.
pub(super) const KNOWN_MAX: f64 = 1e15;

/// Columns of the history, which come before the features: the papers' x, t_x and T in days, and the mean repeat value.
pub(super) const OWN_COLUMNS: [&str; 4] = ["repeat_count", "last_purchase_age_days", "age_days", "mean_repeat_value"];

/// Named columns, one value a customer; `NaN` where it is not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub names: Vec<String>,
    pub columns: Vec<Vec<f64>>,
}

impl Table {
    /// All that is known of `customers`.
    pub fn of(customers: &Customers) -> Table {
        let own = OWN_COLUMNS.iter().map(ToString::to_string);
        let features = customers.features.iter().map(|feature| feature.name.clone());
        let mut names: Vec<String> = Vec::new();
        // A feature named as a column of the history would be that column a second time.
        for name in own.chain(features) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let columns = columns(customers, &names);
        Table { names, columns }
    }

    /// Number of customers.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Copies of the columns `names`.
    pub fn picked(&self, names: &[String]) -> Vec<Vec<f64>> {
        let named =
            |name: &String| self.names.iter().position(|own| own == name).map(|place| self.columns[place].clone());
        names.iter().filter_map(named).collect()
    }
}

/// The columns `names` of `customers`; one that they lack is not known of anybody.
pub(super) fn columns(customers: &Customers, names: &[String]) -> Vec<Vec<f64>> {
    names.iter().map(|name| column(customers, name)).collect()
}

fn column(customers: &Customers, name: &str) -> Vec<f64> {
    let histories = &customers.histories;
    let values: Vec<f64> = match name {
        "repeat_count" => histories.iter().map(|history| history.repeat_count).collect(),
        "last_purchase_age_days" => histories.iter().map(|h| h.last_purchase_weeks * DAYS_OF_A_WEEK).collect(),
        "age_days" => histories.iter().map(|history| history.age_weeks * DAYS_OF_A_WEEK).collect(),
        "mean_repeat_value" => customers.mean_values.iter().map(|mean| mean.unwrap_or(f64::NAN)).collect(),
        _ => customers.feature(name).unwrap_or_default().to_vec(),
    };
    let known = |place: usize| match values.get(place) {
        Some(value) if value.abs() <= KNOWN_MAX => *value,
        _ => f64::NAN,
    };
    (0..histories.len()).map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::estimator::Feature;
    use crate::analytics::ltv::process::grouping::History;

    #[test]
    fn what_is_absent_short_or_out_of_range_is_not_known() {
        let customers = Customers {
            histories: vec![History { repeat_count: 2.0, last_purchase_weeks: 1.0, age_weeks: 3.0 }; 2],
            mean_values: vec![Some(5.0)],
            features: vec![Feature { name: "units".into(), values: vec![f64::INFINITY, 4.0] }],
        };
        let table = Table::of(&customers);
        assert_eq!(table.names[3..], ["mean_repeat_value", "units"]);
        assert_eq!(table.columns[..3], [[2.0, 2.0], [7.0, 7.0], [21.0, 21.0]]);
        assert!(table.columns[3][0] == 5.0 && table.columns[3][1].is_nan());
        assert!(table.columns[4][0].is_nan() && table.columns[4][1] == 4.0);
        assert!(columns(&customers, &["no such".to_string()])[0].iter().all(|value| value.is_nan()));
    }
}
