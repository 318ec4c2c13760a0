//! What the purchases ahead are worth: order value, level, discount, margin, spread, and the place among all customers.

use super::ahead::{Prospect, fitted, next, refusal, warning};
use super::arithmetic::{Parts, is_same, own_weight};
use super::facts::{Facts, Fit, Ltv, Rank};
use super::history::{History, compared};
use super::words::{figure, money, percent, whole};
use super::Section;

/// `Expected to bring 152.30 GBP in the next 365 days: more than 97 % of the other 4,337 customers.`
pub(super) fn sentence(facts: &Facts) -> Option<String> {
    let (ltv, fit) = fitted(facts).ok()?;
    let Some(value) = ltv.predicted_ltv else { return refusal(ltv, fit) };
    let bought = match (ltv.predicted_purchases, ltv.purchase_probability_90d) {
        (Some(purchases), Some(chance)) => format!(
            "Expected to buy on {} days in {} (within 90 days with {}), worth",
            figure(purchases),
            next(fit.horizon_days?),
            percent(chance)
        ),
        _ => format!("Expected to bring in {}", next(fit.horizon_days?)),
    };
    let place = facts.ltv_rank.as_ref().and_then(compared).map(|place| format!(": {place}")).unwrap_or_default();
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
            section.left_out.push(why);
            return section;
        }
    };
    section.keep("horizon_days", fit.horizon_days);
    section.keep("discount_rate_annual", fit.discount_rate_annual);
    section.keep("margin_share", fit.margin_share);
    section.keep("predicted_ltv", ltv.predicted_ltv);
    if refusal(ltv, fit).is_some() {
        section.because.push("No number, for the reason above.".into());
        return section;
    }
    let currency = currency(facts);
    order_value(&mut section, facts, ltv, fit, history);
    let terms = match (fit.discount_rate_annual, fit.margin_share) {
        (Some(0.0), Some(margin)) => format!("not discounted, margin {}", percent(margin)),
        (Some(rate), Some(margin)) => format!("discounted at {} a year, margin {}", percent(rate), percent(margin)),
        _ => String::new(),
    };
    let total = ltv.predicted_ltv.unwrap_or_default();
    let label = fit.horizon_days.map_or("predicted_ltv".into(), next);
    section.tell("predicted_ltv", total, &label, money(total, currency), terms);
    windows(&mut section, ltv, fit, currency);
    place(&mut section, facts, currency);
    level(&mut section, facts, ltv, fit, prospect.parts, currency);
    if facts.customer.as_ref().is_some_and(|customer| customer.net_revenue.is_some()) {
        section.because.push("All of it is still to come: what the customer brought to date is not in it.".into());
    }
    section
}

fn order_value(section: &mut Section, facts: &Facts, ltv: &Ltv, fit: &Fit, history: &History) {
    let (Some(value), Some(of_all)) = (ltv.expected_order_value, fit.spend.population_mean_value) else { return };
    let (currency, x) = (currency(facts), history.repeat_count.unwrap_or(0));
    let weight = own_weight(&fit.spend, x);
    let note = match (history.mean_repeat_value.filter(|_| x > 0), weight) {
        (Some(own), Some(weight)) if is_same(value, weight * own + (1.0 - weight) * of_all) => {
            section.keep("own_mean_weight", weight);
            format!(
                "{} x {} (own, {} repeat days) + {} x {} (all)",
                figure(weight),
                money(own, None),
                whole(x),
                figure(1.0 - weight),
                money(of_all, None)
            )
        }
        (Some(own), None) if is_same(value, own) => {
            section.because.extend(warning(fit, "spend_fallback"));
            "the own mean as it is".to_owned()
        }
        (None, _) if is_same(value, of_all) => "the mean of all customers: no repeat purchase of his own to go by".to_owned(),
        _ => "of another run than the history above".to_owned(),
    };
    section.tell("expected_order_value", value, "value of an order", money(value, currency), note);
    section.keep("mean_repeat_value", history.mean_repeat_value);
    section.keep("population_mean_value", of_all);
}

fn windows(section: &mut Section, ltv: &Ltv, fit: &Fit, currency: Option<&str>) {
    let windows = [
        ("predicted_ltv_90d", 90.0, ltv.predicted_ltv_90d),
        ("predicted_ltv_180d", 180.0, ltv.predicted_ltv_180d),
        ("predicted_ltv_365d", 365.0, ltv.predicted_ltv_365d),
    ];
    for (name, days, value) in windows {
        match value {
            // The horizon is told above.
            value if fit.horizon_days == Some(days) => section.keep(name, value),
            Some(value) => section.tell(name, value, &next(days), money(value, currency), ""),
            None => {}
        }
    }
    let years = [
        ("predicted_ltv_year_2", ltv.predicted_ltv_year_2),
        ("predicted_ltv_year_3", ltv.predicted_ltv_year_3),
        ("predicted_ltv_year_4", ltv.predicted_ltv_year_4),
        ("predicted_ltv_year_5", ltv.predicted_ltv_year_5),
    ];
    let told: Vec<f64> = years.iter().filter_map(|(_, value)| *value).collect();
    if told.len() == years.len() {
        let listed: Vec<String> = told.iter().map(|value| money(*value, None)).collect();
        section.tell("predicted_ltv_years_2_to_5", told.iter().sum::<f64>(), "years 2, 3, 4, 5", listed.join(", "), "");
    }
    years.into_iter().for_each(|(name, value)| section.keep(name, value));
    if let (Some(low), Some(middle), Some(high)) = (ltv.predicted_ltv_p10, ltv.predicted_ltv_p50, ltv.predicted_ltv_p90) {
        let shown = format!("{} to {}", money(low, None), money(high, currency));
        section.tell("predicted_ltv_p90", high, "80 % of futures", shown, format!("p10 to p90, middle (p50) {}", money(middle, None)));
        section.keep("predicted_ltv_p10", low);
        section.keep("predicted_ltv_p50", middle);
    }
}

fn place(section: &mut Section, facts: &Facts, currency: Option<&str>) {
    let Some(rank) = &facts.ltv_rank else { return };
    let Some(words) = compared(rank) else { return };
    let note = format!("mean {}, middle {}", money(rank.mean, None), money(rank.median, currency));
    section.tell("share_below", rank.share_below(), "compared", words, note);
    section.keep("predicted_ltv_mean", rank.mean);
    section.keep("predicted_ltv_median", rank.median);
    section.keep("customers", rank.customers);
    let _: &Rank = rank;
}

/// From purchases to money: whose order value, how much is discounted, what margin is left.
fn level(section: &mut Section, facts: &Facts, ltv: &Ltv, fit: &Fit, parts: Option<Parts>, currency: Option<&str>) {
    let (Some(parts), Some(total), Some(margin)) = (parts, ltv.predicted_ltv, fit.margin_share) else { return };
    let purchases = parts.discounted_purchases * margin;
    if purchases <= 0.0 {
        return;
    }
    let purchase_value = total / purchases;
    section.keep("purchase_value", purchase_value);
    section.keep("discounted_purchases", parts.discounted_purchases);
    section.keep("discount_factor", parts.discounted_purchases / parts.purchases);
    let discounted = match fit.discount_rate_annual {
        Some(0.0) => String::new(),
        _ => format!(" x {} (discount, each month from its end)", figure(parts.discounted_purchases / parts.purchases)),
    };
    section.because.push(format!(
        "predicted_ltv = purchases x value of a purchase x margin = {}{discounted} x {} x {} = {}.",
        figure(parts.purchases),
        figure(purchase_value),
        figure(margin),
        money(total, currency)
    ));
    let is_own = ltv.expected_order_value.is_some_and(|value| is_same(value, purchase_value));
    section.keep("is_level_of_champion", !is_own);
    let spread = "p10, p50 and p90 are drawn from futures, undiscounted, and do not follow from the numbers above";
    if is_own {
        section.because.push(format!("The value of a purchase is that of an order, above. {spread}."));
        return;
    }
    let appraisal = fit.appraisal.as_ref();
    let champion = appraisal.and_then(|a| a.champion.as_deref()).unwrap_or("the champion");
    if let (Some(days), Some(window)) = (appraisal.and_then(|a| a.horizon_days), parts.window_purchases) {
        let revenue = purchase_value * window;
        section.keep("champion_revenue", revenue);
        section.keep("champion_horizon_days", days);
        section.keep("champion_purchases", window);
        section.because.push(format!(
            "The level is that of {champion}, which was best in the past and looks at more than the history: it says {} in {}, in which {} purchases are expected, so a purchase counts {}, not the {} of an order above. Where the two differ, {champion} sees more or less buying, dearer or cheaper orders, and cannot tell which.",
            money(revenue, currency),
            next(days),
            figure(window),
            money(purchase_value, None),
            money(ltv.expected_order_value.unwrap_or_default(), None)
        ));
    }
    section.because.push(format!(
        "How it is spread over time, and over futures, is that of {}: {spread}; they are scaled to that level.",
        fit.estimator.as_deref().unwrap_or("the model of buying and leaving")
    ));
    let _ = facts;
}
