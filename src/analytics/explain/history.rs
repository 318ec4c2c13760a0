//! What the customer did so far: days with a purchase, the usual gap, money to date.

use super::arithmetic::Days;
use super::facts::Facts;
use super::words::{capital, count, money, percent, span, whole};
use super::{Section, facts::Rank};
use chrono::NaiveDate;

/// Days with a purchase, as far as they are known.
pub(super) struct History {
    pub first: Option<NaiveDate>,
    pub last: Option<NaiveDate>,
    /// Purchase days after the first one, x.
    pub repeat_count: Option<i64>,
    /// Mean value of these days, z; absent where it is not positive, as in the fit.
    pub mean_repeat_value: Option<f64>,
    /// Value of the first purchase.
    pub first_purchase_value: Option<f64>,
    /// The last day that was seen.
    pub last_day: Option<NaiveDate>,
}

/// How long a customer is silent, against what is usual for him.
struct Rhythm {
    silent: i64,
    gap: f64,
}

impl History {
    pub(super) fn of(facts: &Facts) -> History {
        let (purchases, customer) = (facts.purchases.as_ref(), facts.customer.as_ref());
        // What is expected was expected as of the day of its own run.
        let seen =
            ["customer_ltv", "customer_purchases", "customers"].into_iter().find_map(|name| facts.last_day(name));
        History {
            first: purchases.and_then(|p| p.first_purchase_date).or(customer.and_then(|c| c.first_order_date)),
            last: purchases.and_then(|p| p.last_purchase_date).or(customer.and_then(|c| c.last_order_date)),
            repeat_count: purchases.and_then(|p| p.repeat_count),
            mean_repeat_value: purchases.and_then(|p| p.mean_repeat_value).filter(|mean| *mean > 0.0),
            first_purchase_value: purchases.and_then(|p| p.first_purchase_value),
            last_day: seen,
        }
    }

    /// (x, t_x, T).
    pub(super) fn days(&self) -> Option<Days> {
        let first = self.first?;
        Some(Days {
            repeat_count: self.repeat_count?,
            last_purchase_age_days: (self.last? - first).num_days(),
            age_days: (self.last_day? - first).num_days(),
        })
    }

    fn silent(&self) -> Option<i64> {
        Some((self.last_day? - self.last?).num_days())
    }

    fn rhythm(&self) -> Option<Rhythm> {
        let days = self.days().filter(|days| days.repeat_count > 0)?;
        Some(Rhythm { silent: self.silent()?, gap: days.last_purchase_age_days as f64 / days.repeat_count as f64 })
    }

    /// `Bought on 7 days in 38 weeks, last 9 days ago; usual gap 21 days: not due yet.`
    pub(super) fn sentence(&self) -> Option<String> {
        let silent = count(self.silent()?, "day");
        let Some(days) = self.days() else { return Some(format!("Bought last {silent} ago.")) };
        if days.repeat_count == 0 {
            return Some(format!("Bought on one day, {silent} ago, and not again since."));
        }
        let begun = format!(
            "Bought on {} in {}, last {silent} ago",
            count(days.repeat_count + 1, "day"),
            span(days.age_days.max(1))
        );
        Some(match self.rhythm() {
            Some(rhythm) => format!("{begun}; {}.", rhythm.words()),
            None => format!("{begun}."),
        })
    }
}

impl Rhythm {
    /// One gap is no habit, so what is usual is told from the second on; twice the gap is what few customers exceed by chance.
    fn words(&self) -> String {
        let gap = count(self.gap.round() as i64, "day");
        let silent = self.silent as f64;
        match silent / self.gap {
            share if share <= 1.0 => format!("not due yet: usual gap {gap}"),
            share if share <= 2.0 => format!("due: usual gap {gap}, silent {}", count(self.silent, "day")),
            share => format!(
                "overdue: usual gap {gap}, silent {} ({} gaps)",
                count(self.silent, "day"),
                super::words::decimals(share, 1)
            ),
        }
    }
}

/// `more than 97 % of the other 4,337 customers`.
pub(super) fn compared(rank: &Rank) -> Option<String> {
    let share = rank.share_below()?;
    let others = match rank.customers - 1 {
        1 => "the other customer".to_owned(),
        n => format!("the other {} customers", whole(n)),
    };
    let same = match rank.equal - 1 {
        0 => String::new(),
        n => format!(", the same as {} of them", whole(n)),
    };
    Some(match share {
        1.0 => format!("more than all of {others}"),
        0.0 => format!("more than none of {others}{same}"),
        share => format!("more than {} of {others}{same}", percent(share)),
    })
}

/// `Brought 300.00 USD to date, more than 93 % of the other 2,356 customers.`
pub(super) fn money_sentence(facts: &Facts) -> Option<String> {
    let customer = facts.customer.as_ref()?;
    let place = facts.revenue_rank.as_ref().and_then(compared).map(|place| format!(", {place}")).unwrap_or_default();
    Some(format!("Brought {} to date{place}.", money(customer.net_revenue?, customer.currency.as_deref())))
}

pub(super) fn section(facts: &Facts, history: &History) -> Section {
    let mut section = Section::new("purchases_so_far", "Purchases so far");
    if let (Some(first), Some(last)) = (history.first, history.last) {
        let age = history.days().map(|days| format!("{} of observation (T, age_days)", count(days.age_days, "day")));
        section.tell(
            "first_purchase_date",
            first.to_string(),
            "first purchase",
            first.to_string(),
            age.unwrap_or_default(),
        );
        let ago = history.silent().map(|days| format!("{} ago", count(days, "day")));
        section.tell(
            "last_purchase_date",
            last.to_string(),
            "last purchase",
            last.to_string(),
            ago.unwrap_or_default(),
        );
    }
    if let Some(days) = history.days() {
        days_with_a_purchase(&mut section, history, days);
    } else if facts.purchases.is_none() {
        section.left_out.push(facts.why_missing("customer_purchases"));
    }
    match &facts.customer {
        Some(_) => money_to_date(&mut section, facts),
        None => section.left_out.push(facts.why_missing("customers")),
    }
    section
}

fn days_with_a_purchase(section: &mut Section, history: &History, days: Days) {
    let x = days.repeat_count;
    let since = format!("{} after the first one (x, repeat_count)", whole(x));
    section.tell("purchase_days", x + 1, "days with a purchase", whole(x + 1), since);
    section.keep("repeat_count", x);
    section.keep("last_purchase_age_days", days.last_purchase_age_days);
    section.keep("age_days", days.age_days);
    section.keep("days_since_last_purchase", history.silent());
    section.keep("mean_repeat_value", history.mean_repeat_value);
    let Some(rhythm) = history.rhythm() else { return section.keep("mean_gap_days", None::<f64>) };
    let label = if x == 1 { "the one gap" } else { "usual gap" };
    let note = format!("{} from first to last (t_x) / {x}", count(days.last_purchase_age_days, "day"));
    section.tell("mean_gap_days", rhythm.gap, label, count(rhythm.gap.round() as i64, "day"), note);
    if x > 1 {
        section.because.push(format!("{}.", capital(&rhythm.words())));
    }
}

fn money_to_date(section: &mut Section, facts: &Facts) {
    let Some(customer) = &facts.customer else { return };
    let currency = customer.currency.as_deref();
    if let Some(orders) = customer.order_count {
        let returns = customer.return_count.unwrap_or(0);
        let note = if returns > 0 { format!("and {}", count(returns, "return")) } else { String::new() };
        section.tell("order_count", orders, "orders", whole(orders), note);
        section.keep("return_count", returns);
    }
    if let Some(net) = customer.net_revenue {
        let mut notes = Vec::new();
        if let (Some(gross), Some(returned)) = (customer.gross_revenue, customer.returned_revenue)
            && returned != 0.0
        {
            notes.push(format!("{} less {} returned", money(gross, None), money(returned, None)));
        }
        section.tell("net_revenue", net, "brought to date", money(net, currency), notes.join("; "));
        section.keep("gross_revenue", customer.gross_revenue);
        section.keep("returned_revenue", customer.returned_revenue);
        section.keep("net_revenue_share_below", facts.revenue_rank.as_ref().and_then(Rank::share_below));
    }
    if let Some(profit) = customer.profit {
        section.tell("profit", profit, "profit to date", money(profit, currency), "");
    }
    section.keep("currency", customer.currency.clone());
    if customer.id_is_synthetic == Some(true) {
        section
            .because
            .push("The id is made up: the source has no customers, so this is nobody's real history.".into());
    }
    section.keep("id_is_synthetic", customer.id_is_synthetic);
}
