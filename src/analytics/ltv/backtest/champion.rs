//! The champion: the estimator that did best at cuts it could not see past, for what it is needed for, and not another one each run.
//!
//! Every estimator has one loss an origin, which depends on no other estimator: so adding or removing a candidate can never change
//! which of two others is better, as it does with mean ranks. A loss is 0 for a perfect prediction and about 1 for one that
//! knows nothing.

use super::metrics::{Accuracy, total};
use super::report::{BackTest, Trial};
use crate::analytics::ltv::process::PROCESSES;
use serde::Serialize;

/// What the champion is chosen for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Money, order and total alike.
    #[default]
    Balanced,
    /// The order of customers: whom to call first.
    Ranking,
    /// The total: what to expect in the till.
    Totals,
}

/// All objectives, as a config names them.
pub const OBJECTIVES: [(&str, Objective); 3] =
    [("balanced", Objective::Balanced), ("ranking", Objective::Ranking), ("totals", Objective::Totals)];

/// Losses nearer than this are one: the second criterion decides. Differences of this size change with a single customer.
const TIE: f64 = 0.002;

/// A challenger must be better than the former champion by at least this much of a loss.
const MARGIN: f64 = 0.01;

/// With fewer shared origins than this there is no deviation to judge by, so the margin is twice as wide.
const ORIGINS_ENOUGH: usize = 3;

/// The rule that keeps a champion, in one sentence with its reason.
pub const HYSTERESIS: &str = "The former champion stays unless the best challenger's mean loss over the same cuts is lower by more than 0.01 \
     and by more than one standard error of the paired differences, because a smaller lead changes hands by chance and every \
     change moves all published values.";

/// The estimator to publish.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Champion {
    /// Its name; `None` when no estimator may be published.
    pub estimator: Option<&'static str>,
    /// What it was chosen for.
    pub objective: Objective,
    /// Sentences for people: how it was chosen, against whom, and why it stays or goes.
    pub reason: String,
    /// All candidates, best first; refused and flagged ones are not among them.
    pub candidates: Vec<Candidate>,
    /// Names of the cuts that all candidates were compared at.
    pub cuts: Vec<String>,
}

/// An estimator that could have become champion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Its name.
    pub estimator: &'static str,
    /// Mean loss over the shared cuts.
    pub loss: f64,
    /// Mean of the criterion that decides between equal losses.
    pub tie_break: f64,
    #[serde(skip)]
    losses: Vec<f64>,
}

impl Champion {
    /// Names of all candidates, best first.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.candidates.iter().map(|candidate| candidate.estimator).collect()
    }
}

impl Objective {
    /// The objective of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Objective> {
        OBJECTIVES.iter().find(|(known, _)| *known == name).map(|(_, objective)| *objective)
    }

    /// What it measures, in one sentence.
    #[must_use]
    pub fn story(self) -> &'static str {
        match self {
            Objective::Balanced => {
                "the mean of five: RMSE and MAE over those of a constant that knew the mean, 1 - Spearman, 1 - normalised Gini, \
                 and the error of the total as a logarithm, at most 1, whose voice is n / (n + 2) after n cuts, because a total is one \
                 observation a cut and may be right by luck"
            }
            Objective::Ranking => "1 - normalised Gini, and 1 - Spearman between equals",
            Objective::Totals => {
                "the error of the total as a logarithm, and RMSE and MAE over those of a constant that knew the mean between equals"
            }
        }
    }

    /// Loss and tie-break of one estimator at one of `cuts` origins; what the data do not define counts as knowing nothing.
    #[must_use]
    pub fn losses(self, accuracy: &Accuracy, cuts: usize) -> (f64, f64) {
        let relative = |error: Option<f64>, of_constant: Option<f64>| match (error, of_constant) {
            (Some(error), Some(constant)) if constant > 0.0 => error / constant,
            _ => 1.0,
        };
        let rmse = relative(accuracy.rmse, accuracy.actual_deviation);
        let mae = relative(accuracy.mae, accuracy.actual_mean_deviation);
        let spearman = 1.0 - accuracy.spearman.unwrap_or(0.0);
        let gini = 1.0 - accuracy.normalized_gini.unwrap_or(0.0);
        let bias = bias_loss(accuracy);
        match self {
            Objective::Balanced => {
                let voice = cuts as f64 / (cuts as f64 + 2.0);
                ((rmse + mae + spearman + gini + voice * bias) / 5.0, gini)
            }
            Objective::Ranking => (gini, spearman),
            Objective::Totals => (bias, (rmse + mae) / 2.0),
        }
    }
}

/// `|ln(predicted / actual)|` of the totals, at most 1: half and double are equally wrong.
fn bias_loss(accuracy: &Accuracy) -> f64 {
    match (accuracy.predicted_total, accuracy.actual_total) {
        (Some(predicted), Some(actual)) if predicted > 0.0 && actual > 0.0 => (predicted / actual).ln().abs().min(1.0),
        _ => 1.0,
    }
}

/// Chooses among the estimators of `tested` that can be compared ([`BackTest::comparable`]) and are not flagged, at the cuts where
/// all that can be compared gave numbers; the last is always among these. A process that speaks against its own choice (`bg_nbd` calls
/// one-time buyers alive for ever, in `nbd` nobody leaves) is compared, but no champion: it would tell who is still there.
#[must_use]
pub fn choose(tested: &BackTest, objective: Objective, former: Option<&str>) -> Champion {
    let (comparable, cuts) = tested.comparable();
    let is_eligible = |trial: &Trial| trial.flag.is_none() && !has_objection(trial.estimator);
    let eligible: Vec<usize> = comparable.into_iter().filter(|place| is_eligible(&tested.trials[*place])).collect();
    let cuts = if eligible.is_empty() { Vec::new() } else { cuts };
    let mut candidates: Vec<Candidate> = eligible
        .iter()
        .filter_map(|place| {
            let trial = &tested.trials[*place];
            let pairs: Vec<(f64, f64)> =
                cuts.iter().filter_map(|k| Some(objective.losses(&trial.score(*k)?.accuracy, cuts.len()))).collect();
            let losses: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
            let tie_breaks: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
            let (loss, tie_break) = (mean(&losses), mean(&tie_breaks));
            (loss.is_finite() && tie_break.is_finite()).then_some(Candidate {
                estimator: trial.estimator,
                loss,
                tie_break,
                losses,
            })
        })
        .collect();
    // A stable sort: what is equal in both stays in the order of the list, baselines first.
    candidates.sort_by(|left, right| left.loss.total_cmp(&right.loss));
    promote_tied(&mut candidates);
    let names = cuts.iter().map(|k| tested.origins[*k].cut.clone()).collect();
    let (estimator, reason) = crown(&candidates, objective, former, cuts.len());
    Champion { estimator, objective, reason, candidates, cuts: names }
}

fn has_objection(estimator: &str) -> bool {
    PROCESSES.iter().any(|process| process.name() == estimator && process.objection_to_auto().is_some())
}

/// Moves the one with the best tie-break among those as good as the first to the first place.
fn promote_tied(candidates: &mut [Candidate]) {
    let Some(best) = candidates.first().map(|candidate| candidate.loss) else { return };
    let tied = candidates.iter().take_while(|candidate| candidate.loss <= best + TIE).count();
    let winner = (0..tied).min_by(|a, b| candidates[*a].tie_break.total_cmp(&candidates[*b].tie_break)).unwrap_or(0);
    candidates[..=winner].rotate_right(1);
}

/// The name of the champion and the reason.
fn crown(
    candidates: &[Candidate],
    objective: Objective,
    former: Option<&str>,
    cuts: usize,
) -> (Option<&'static str>, String) {
    let Some(best) = candidates.first() else {
        return (None, "No estimator gave numbers at the last cut without being flagged, so there is no champion and nothing is predicted.".into());
    };
    let chosen = format!(
        "\"{}\" has the lowest mean loss over {cuts} cuts, {:.3}; the loss is {}.",
        best.estimator,
        best.loss,
        objective.story()
    );
    let Some(former) = former else { return (Some(best.estimator), chosen) };
    let Some(held) = candidates.iter().find(|candidate| candidate.estimator == former) else {
        let gone = format!("The former champion \"{former}\" was refused, flagged or not tested. {chosen}");
        return (Some(best.estimator), gone);
    };
    if held.estimator == best.estimator {
        return (Some(best.estimator), chosen);
    }
    let leads: Vec<f64> = held.losses.iter().zip(&best.losses).map(|(held, best)| held - best).collect();
    let (lead, needed) = (mean(&leads), margin(&leads));
    let compared = format!(
        "\"{}\" leads \"{former}\" by {lead:.4} of mean loss over {cuts} cuts; {needed:.4} is needed.",
        best.estimator
    );
    match lead > needed {
        true => (Some(best.estimator), format!("{compared} {chosen}")),
        false => (Some(held.estimator), format!("{compared} {HYSTERESIS}")),
    }
}

/// The lead that a challenger needs over the former champion.
fn margin(leads: &[f64]) -> f64 {
    if leads.len() < ORIGINS_ENOUGH {
        return 2.0 * MARGIN;
    }
    let (n, centre) = (leads.len() as f64, mean(leads));
    let squares: Vec<f64> = leads.iter().map(|lead| (lead - centre).powi(2)).collect();
    MARGIN.max((total(&squares) / (n - 1.0) / n).sqrt())
}

fn mean(values: &[f64]) -> f64 {
    total(values) / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::leakage::suspiciously_good;
    use super::super::report::{Score, TestedOrigin, Verdict};
    use super::*;
    use crate::analytics::ltv::estimator::{Family, Refusal};
    use proptest::prelude::*;

    /// An accuracy with this normalised Gini, this total for an actual one of 100, and this error for a constant's of 1.
    fn accuracy(gini: f64, total: f64, error: f64) -> Option<Accuracy> {
        Some(Accuracy {
            customers: 10,
            rmse: Some(error),
            mae: Some(error),
            spearman: Some(gini),
            normalized_gini: Some(gini),
            predicted_total: Some(total),
            actual_total: Some(100.0),
            actual_deviation: Some(1.0),
            actual_mean_deviation: Some(1.0),
            ..Accuracy::default()
        })
    }

    fn trial(estimator: &'static str, accuracies: Vec<Option<Accuracy>>) -> Trial {
        let verdict = |accuracy: Option<Accuracy>| match accuracy {
            Some(accuracy) => Verdict::Scored(Box::new(Score {
                accuracy,
                deciles: Vec::new(),
                by_frequency: Vec::new(),
                total: None,
                is_total_inside: None,
            })),
            None => Verdict::Refused(Refusal { code: "dropout_unidentified", reason: "It cannot be told.".into() }),
        };
        let verdicts = accuracies.into_iter().map(verdict).collect();
        Trial { estimator, family: Family::Regressor, verdicts, pooled: None, flag: None }
    }

    fn tested(trials: Vec<Trial>) -> BackTest {
        let origins = trials.first().map_or(0, |trial| trial.verdicts.len());
        let origin = |k: usize| TestedOrigin {
            cut: format!("cut {k}"),
            cut_day: k as i64,
            customers: 10,
            earlier_cut: (k > 0).then(|| "earlier".into()),
        };
        BackTest { horizon_days: 90.0, origins: (0..origins).map(origin).collect(), trials, findings: Vec::new() }
    }

    fn name(tested: &BackTest, objective: Objective, former: Option<&str>) -> Option<&'static str> {
        choose(tested, objective, former).estimator
    }

    #[test]
    fn each_objective_has_its_champion() {
        let found = tested(vec![
            trial("orders_well", vec![accuracy(0.8, 180.0, 0.9)]),
            trial("sums_well", vec![accuracy(0.5, 101.0, 0.9)]),
            trial("allrounder", vec![accuracy(0.75, 110.0, 0.7)]),
        ]);
        assert_eq!(name(&found, Objective::Ranking, None), Some("orders_well"));
        assert_eq!(name(&found, Objective::Totals, None), Some("sums_well"));
        assert_eq!(name(&found, Objective::Balanced, None), Some("allrounder"));
        assert!(OBJECTIVES.iter().all(|(name, objective)| Objective::named(name) == Some(*objective)));
        assert_eq!(Objective::named("luck"), None);
    }

    #[test]
    fn nobody_refused_or_flagged_wins_and_nobody_at_all_has_an_answer() {
        let mut best = trial("leaky", vec![accuracy(0.99, 100.0, 0.1)]);
        best.flag = suspiciously_good("leaky", Some(0.98));
        let absent = trial("absent", vec![None]);
        let found = tested(vec![best.clone(), absent.clone(), trial("honest", vec![accuracy(0.5, 140.0, 0.9)])]);
        assert_eq!(name(&found, Objective::Balanced, Some("leaky")), Some("honest"));
        let reason = choose(&found, Objective::Balanced, Some("leaky")).reason;
        assert!(reason.starts_with("The former champion \"leaky\" was refused, flagged or not tested."), "{reason}");
        for none in [tested(vec![best, absent]), tested(Vec::new())] {
            let champion = choose(&none, Objective::Ranking, Some("leaky"));
            assert_eq!((champion.estimator, champion.candidates.len(), champion.cuts.len()), (None, 0, 0));
        }
    }

    #[test]
    fn a_process_with_an_objection_is_compared_but_no_champion() {
        let found = tested(vec![
            trial("bg_nbd", vec![accuracy(0.9, 100.0, 0.1)]),
            trial("nbd", vec![accuracy(0.8, 100.0, 0.2)]),
            trial("mbg_nbd", vec![accuracy(0.5, 140.0, 0.9)]),
        ]);
        assert_eq!(name(&found, Objective::Balanced, Some("bg_nbd")), Some("mbg_nbd"));
    }

    #[test]
    fn equal_orders_are_decided_by_spearman() {
        let with =
            |spearman: f64| accuracy(0.7, 100.0, 0.9).map(|accuracy| Accuracy { spearman: Some(spearman), ..accuracy });
        let found = tested(vec![trial("first", vec![with(0.4)]), trial("second", vec![with(0.45)])]);
        assert_eq!(name(&found, Objective::Ranking, None), Some("second"));
    }

    #[test]
    fn a_small_or_chancy_lead_does_not_change_the_champion() {
        let duel = |leads: &[f64]| {
            let held = trial("held", leads.iter().map(|_| accuracy(0.7, 100.0, 0.9)).collect());
            let new = trial("new", leads.iter().map(|lead| accuracy(0.7 + lead, 100.0, 0.9)).collect());
            tested(vec![held, new])
        };
        let small = duel(&[0.008; 6]);
        assert_eq!(name(&small, Objective::Ranking, None), Some("new"));
        assert_eq!(name(&small, Objective::Ranking, Some("held")), Some("held"));
        assert!(choose(&small, Objective::Ranking, Some("held")).reason.contains("0.0100 is needed"));
        assert_eq!(name(&duel(&[0.02; 6]), Objective::Ranking, Some("held")), Some("new"));
        // The same mean lead from one lucky window.
        assert_eq!(
            name(&duel(&[0.22, -0.02, -0.02, -0.02, -0.02, -0.02]), Objective::Ranking, Some("held")),
            Some("held")
        );
        // One window alone must show twice as much.
        assert_eq!(name(&duel(&[0.019]), Objective::Ranking, Some("held")), Some("held"));
        assert_eq!(name(&duel(&[0.021]), Objective::Ranking, Some("held")), Some("new"));
    }

    #[test]
    fn candidates_are_compared_where_all_gave_numbers() {
        let found = tested(vec![
            trial("always", [0.1, 0.2, 0.6, 0.6].map(|gini| accuracy(gini, 100.0, 1.0)).to_vec()),
            trial("later", vec![None, None, accuracy(0.7, 100.0, 1.0), accuracy(0.7, 100.0, 1.0)]),
            trial("seldom", vec![None, None, None, accuracy(0.9, 100.0, 1.0)]),
        ]);
        let champion = choose(&found, Objective::Ranking, None);
        assert_eq!((champion.estimator, champion.cuts), (Some("later"), vec!["cut 2".to_string(), "cut 3".into()]));
        assert_eq!(champion.candidates.len(), 2);
    }

    proptest! {
        #[test]
        fn who_is_added_never_reorders_the_others(
            ginis in prop::collection::vec(-1.0f64..1.0, 9), totals in prop::collection::vec(1.0f64..500.0, 9),
        ) {
            let names = ["a", "b", "c"];
            let trials: Vec<Trial> = (0..3)
                .map(|i| trial(names[i], (0..3).map(|k| accuracy(ginis[3 * i + k], totals[3 * i + k], 1.0)).collect()))
                .collect();
            for (_, objective) in OBJECTIVES {
                let all = choose(&tested(trials.clone()), objective, None);
                let loss = |champion: &Champion, name: &str| champion.candidates.iter().find(|one| one.estimator == name).map(|one| one.loss);
                let two = choose(&tested(trials[..2].to_vec()), objective, None);
                prop_assert_eq!(loss(&all, "a"), loss(&two, "a"));
                prop_assert_eq!(loss(&all, "b"), loss(&two, "b"));
                let winner = all.candidates.first().expect("three");
                prop_assert!(all.candidates.iter().all(|other| winner.loss <= other.loss + TIE + 1e-12));
                // Whoever holds the title keeps it when chosen again.
                prop_assert_eq!(choose(&tested(trials.clone()), objective, all.estimator).estimator, all.estimator);
            }
        }
    }
}
