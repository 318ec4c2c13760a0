//! What the purchases ahead are worth: order value, level, discount, margin, spread, and the place among all customers.

use super::Section;
use super::ahead::{Prospect, fitted, next, refusal, warning};
use super::arithmetic::{Parts, is_same, known_orders, own_weight};
use super::facts::{Facts, Fit, Ltv};
use super::history::{History, compared};
use super::words::{about, figure, money, percent, whole};

/// Features of the champion that are named.
const FEATURES: usize = 3;

/// `Expected to bring 152.30 GBP in the next 365 days: more than 97 % of the other 4,337 customers.`
pub(super) fn sentence(facts: &Facts) -> Option<String> {
    let (ltv, fit) = fitted(facts).ok()?;
    let Some(value) = ltv.predicted_ltv else { return refusal(ltv, fit) };
    let ahead = next(fit.horizon_days?);
    let bought = match (ltv.predicted_purchases, ltv.purchase_probability_90d) {
        (Some(purchases), Some(chance)) => format!(
            "Expected purchase days in {ahead}: {} (a purchase within 90 days: {}), worth",
            about(purchases),
            percent(chance)
        ),
        _ => format!("Expected to bring in {ahead}"),
    };
    let place = facts.ltv_rank.as_ref().and_then(compared).map(|place| format!(", {place}")).unwrap_or_default();
    Some(format!("{bought} {}{place}.", money(value, currency(facts))))
}

fn currency(facts: &Facts) -> Option<&str> {
    facts.customer.as_ref().and_then(|customer| customer.currency.as_deref())
}

pub(super) fn section(facts: &Facts, history: &History, prospect: &Prospect) -> Section {
    let mut section = Section::new("lifetime_value", "What that is worth");
    let (ltv, fit) = match fitted(facts) {
        Ok(both) => both,
        Err(why) => {
            // A value that no fit of ours made is a value all the same.
            if let Some(value) = facts.ltv.as_ref().and_then(|ltv| ltv.predicted_ltv) {
                section.tell("predicted_ltv", value, "predicted_ltv", money(value, currency(facts)), "");
            }
            section.left_out.push(why);
            return section;
        }
    };
    section.keep("horizon_days", fit.horizon_days);
    section.keep("discount_rate_annual", fit.discount_rate_annual);
    section.keep("margin_share", fit.margin_share);
    if refusal(ltv, fit).is_some() {
        section.keep("predicted_ltv", None::<f64>);
        section.because.push("No number, for the reason above.".into());
        return section;
    }
    order_value(&mut section, facts, ltv, fit, history);
    windows(&mut section, ltv, fit, currency(facts));
    place(&mut section, facts);
    to_date(&mut section, facts, ltv);
    level(&mut section, facts, (ltv, fit), prospect.parts);
    reach(&mut section, ltv, fit);
    section
}

fn order_value(section: &mut Section, facts: &Facts, ltv: &Ltv, fit: &Fit, history: &History) {
    let (Some(value), Some(of_all)) = (ltv.expected_order_value, fit.spend.population_mean_value) else { return };
    let (currency, x) = (currency(facts), history.repeat_count.unwrap_or(0));
    let (orders, own_mean) = known_orders(&fit.spend, x, history.mean_repeat_value, history.first_purchase_value);
    let weight = own_weight(&fit.spend, orders);
    let note = match (own_mean, weight) {
        (Some(own), Some(weight)) if is_same(value, weight * own + (1.0 - weight) * of_all) => {
            section.keep("own_mean_weight", weight);
            let rest = 1.0 - weight;
            format!(
                "{} x {} (own mean) + {} x {} (mean of all)",
                figure(weight),
                money(own, None),
                figure(rest),
                money(of_all, None)
            )
        }
        (Some(own), None) if is_same(value, own) => {
            section.because.extend(warning(fit, "spend_fallback"));
            "the own mean as it is".to_owned()
        }
        (None, _) if is_same(value, of_all) => "the mean of all: no purchase of his own to go by".to_owned(),
        _ if facts.purchases.is_none() => "the own mean is not to be read (see above)".to_owned(),
        _ => "of another run than the history above".to_owned(),
    };
    section.tell("expected_order_value", value, "value of an order", money(value, currency), note);
    section.keep("mean_repeat_value", history.mean_repeat_value);
    section.keep("own_mean", own_mean);
    section.keep("population_mean_value", of_all);
}

fn windows(section: &mut Section, ltv: &Ltv, fit: &Fit, currency: Option<&str>) {
    let terms = match (fit.discount_rate_annual, fit.margin_share) {
        (Some(0.0), Some(margin)) => format!("not discounted, margin {}", percent(margin)),
        (Some(rate), Some(margin)) => format!("discounted at {} a year, margin {}", percent(rate), percent(margin)),
        _ => String::new(),
    };
    let horizon = fit.horizon_days.unwrap_or_default();
    let mut windows = vec![
        ("predicted_ltv_90d", 90.0, ltv.predicted_ltv_90d, ""),
        ("predicted_ltv_180d", 180.0, ltv.predicted_ltv_180d, ""),
        ("predicted_ltv_365d", 365.0, ltv.predicted_ltv_365d, ""),
    ];
    // The horizon may be one of these windows: it is told once, in its place.
    windows.retain(|(name, days, value, _)| {
        let is_horizon = *days == horizon;
        if is_horizon {
            section.keep(name, *value);
        }
        !is_horizon
    });
    windows.push(("predicted_ltv", horizon, ltv.predicted_ltv, terms.as_str()));
    windows.sort_by(|left, right| left.1.total_cmp(&right.1));
    for (name, days, value, note) in windows {
        if let Some(value) = value {
            section.tell(name, value, &next(days), money(value, currency), note);
        }
    }
    let years = [
        ("predicted_ltv_year_2", ltv.predicted_ltv_year_2),
        ("predicted_ltv_year_3", ltv.predicted_ltv_year_3),
        ("predicted_ltv_year_4", ltv.predicted_ltv_year_4),
        ("predicted_ltv_year_5", ltv.predicted_ltv_year_5),
    ];
    let told: Vec<String> = years.iter().filter_map(|(_, value)| value.map(|value| money(value, None))).collect();
    if let (4, (_, Some(second))) = (told.len(), years[0]) {
        section.tell(years[0].0, second, "years 2, 3, 4, 5", told.join(", "), "");
    }
    years.into_iter().skip(1).for_each(|(name, value)| section.keep(name, value));
    if let (Some(low), Some(middle), Some(high)) = (ltv.predicted_ltv_p10, ltv.predicted_ltv_p50, ltv.predicted_ltv_p90)
    {
        let shown = format!("{} to {}", money(low, None), money(high, currency));
        let note = format!("p10 to p90, middle (p50) {}", money(middle, None));
        section.tell("predicted_ltv_p10", low, "80 % of futures", shown, note);
        section.keep("predicted_ltv_p50", middle);
        section.keep("predicted_ltv_p90", high);
    }
}

fn place(section: &mut Section, facts: &Facts) {
    let Some(rank) = &facts.ltv_rank else { return };
    let Some(share) = rank.share_below() else { return };
    let currency = currency(facts);
    let note = format!(
        "of the other {} customers are expected to bring less (mean {}, middle {})",
        whole(rank.customers - 1),
        money(rank.mean, None),
        money(rank.median, currency)
    );
    section.tell("predicted_ltv_share_below", share, "compared", percent(share), note);
    section.keep("predicted_ltv_mean", rank.mean);
    section.keep("predicted_ltv_median", rank.median);
    section.keep("customers", rank.customers);
}

/// What was brought stands beside what is expected, never in it.
fn to_date(section: &mut Section, facts: &Facts, ltv: &Ltv) {
    let net = facts.customer.as_ref().and_then(|customer| customer.net_revenue);
    if let Some(value) = ltv.value_to_date.or(net) {
        let note = "what was brought is not in any of these";
        section.tell("value_to_date", value, "kept apart: to date", money(value, currency(facts)), note);
    }
}

/// From purchases to money: whose order value, how much is discounted, what margin is left.
fn level(section: &mut Section, facts: &Facts, (ltv, fit): (&Ltv, &Fit), parts: Option<Parts>) {
    let (Some(parts), Some(total), Some(margin)) = (parts, ltv.predicted_ltv, fit.margin_share) else { return };
    let purchases = parts.discounted_purchases * margin;
    if purchases <= 0.0 {
        return;
    }
    let purchase_value = total / purchases;
    let discount = parts.discounted_purchases / parts.purchases;
    section.keep("discounted_purchases", parts.discounted_purchases);
    section.keep("discount_factor", discount);
    section.keep("purchase_value", purchase_value);
    let discounted = match fit.discount_rate_annual {
        Some(0.0) => String::new(),
        _ => format!(" x {} (discount, each month from its end)", figure(discount)),
    };
    section.because.push(format!(
        "predicted_ltv = purchases x value of a purchase x margin = {}{discounted} x {} x {} = {}.",
        figure(parts.purchases),
        figure(purchase_value),
        figure(margin),
        money(total, currency(facts))
    ));
    let order_value = ltv.expected_order_value.unwrap_or_default();
    let is_own = is_same(order_value, purchase_value);
    section.keep("is_level_of_champion", !is_own);
    let drawn =
        "p10, p50 and p90 are drawn from futures and not discounted, so they do not follow from the numbers above";
    if is_own {
        section.because.push(format!("The value of a purchase is that of an order, above; {drawn}."));
        return;
    }
    let process = fit.estimator.as_deref().unwrap_or("the model of buying and leaving");
    let by_process = purchases * order_value;
    section.keep("predicted_ltv_by_process", by_process);
    champion(section, facts, fit, &parts, purchase_value, order_value);
    section.because.push(format!(
        "By {process} and the value of an order alone it would be {}. How the level is spread over time and over futures is {process}'s: {drawn}; they are scaled to the level.",
        money(by_process, currency(facts))
    ));
}

/// Why a purchase counts as much as it does.
fn champion(section: &mut Section, facts: &Facts, fit: &Fit, parts: &Parts, purchase_value: f64, order_value: f64) {
    let Some(appraisal) = &fit.appraisal else { return };
    let champion = appraisal.champion.as_deref().unwrap_or("the champion");
    let (Some(days), Some(window)) = (appraisal.horizon_days, parts.window_purchases) else { return };
    let revenue = purchase_value * window;
    section.keep("champion_revenue", revenue);
    section.keep("champion_horizon_days", days);
    section.keep("champion_purchases", window);
    section.because.push(format!(
        "The level is that of {champion}, the champion of the past, which looks at more than the history: it says {} in {}, in which {} purchases are expected, so one counts {}, not the {} of an order above. It does not tell whether it sees more buying or dearer orders.",
        money(revenue, currency(facts)),
        next(days),
        figure(window),
        money(purchase_value, None),
        money(order_value, None)
    ));
    let mut features: Vec<(&str, f64)> = facts
        .importance
        .iter()
        .filter_map(|one| Some((one.feature.as_str(), one.normalized_gini_drop.filter(|drop| *drop > 0.0)?)))
        .collect();
    features.sort_by(|left, right| right.1.total_cmp(&left.1));
    let most: Vec<&str> = features.into_iter().take(FEATURES).map(|(name, _)| name).collect();
    if !most.is_empty() {
        section
            .because
            .push(format!("Of all customers, what matters most to it: {} (ltv_importance).", most.join(", ")));
    }
}

/// How far the numbers reach beyond what was judged.
fn reach(section: &mut Section, ltv: &Ltv, fit: &Fit) {
    let judged = fit.appraisal.as_ref().and_then(|appraisal| appraisal.horizon_days);
    if let (Some(judged), Some(process)) = (judged, &fit.estimator) {
        let unseen = match ltv.is_dropout_identified {
            Some(false) => ", and as nobody is seen to leave, later years are likely too high",
            _ => "",
        };
        section.because.push(format!(
            "Judged were predictions of {} days; what lies beyond rests on {process} alone{unseen}.",
            whole(judged.round() as i64)
        ));
    }
}
