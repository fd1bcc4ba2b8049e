//! The figures for people.

use crate::{
	stats::{Mean, Rate},
	summary::{false_slashes, Summary},
};
use std::{collections::BTreeMap, fmt::Write};

fn percent(share: f64) -> String {
	let percent = 100.0 * share;
	if percent > 0.0 && percent < 0.05 {
		format!("{percent:.3}")
	} else if percent >= 99.95 {
		format!("{percent:.2}")
	} else {
		format!("{percent:.1}")
	}
}

fn rate(rate: &Rate) -> String {
	let [low, high] = rate.interval;
	match rate.rate {
		Some(value) => format!("{} [{}, {}]", percent(value), percent(low), percent(high)),
		None => "-".to_owned(),
	}
}

fn mean(mean: &Mean, digits: usize) -> String {
	match (mean.mean, mean.interval) {
		(Some(value), Some([low, high])) => {
			format!("{} ±{:.digits$}", number(Some(value), digits), (high - low) / 2.0)
		},
		(Some(value), None) => number(Some(value), digits),
		(None, _) => "-".to_owned(),
	}
}

fn number(value: Option<f64>, digits: usize) -> String {
	// What rounds to zero has no sign.
	let unsigned = |text: String| {
		if text.trim_matches(['-', '0', '.']).is_empty() {
			text.replace('-', "")
		} else {
			text
		}
	};
	value.map_or("-".to_owned(), |value| unsigned(format!("{value:.digits$}")))
}

const HEAD: [&str; 14] = [
	"strategy",
	"adversaries",
	"wrong",
	"detected %",
	"became final %",
	"predicted %",
	"loss per try",
	"per survivor",
	"right final %",
	"in blocks",
	"worker earns",
	"validator earns",
	"Gini w, v",
	"false slashes %",
];

fn row(summary: &Summary) -> [String; 14] {
	let Summary { setting, wrong, right, cost, honest, .. } = summary;
	let mark = if wrong.as_predicted == Some(false) { " !" } else { "" };
	let who = match setting.adversaries {
		0 => "none".to_owned(),
		share => format!(
			"{share} % by {}: {}+{}",
			setting.measure.name(),
			summary.workers.adversaries,
			summary.validators.adversaries
		),
	};
	let gini = |mean: &Mean| number(mean.mean, 2);
	[
		if setting.adversaries == 0 { "-".to_owned() } else { setting.strategy.name().to_owned() },
		who,
		wrong.survived.cases.to_string(),
		rate(&wrong.detected),
		rate(&wrong.survived),
		wrong.predicted.map_or("-".to_owned(), |chance| percent(chance) + mark),
		mean(&cost.per_try, 2),
		number(cost.per_survivor, 2),
		rate(&right.finals),
		number(right.blocks, 0),
		mean(&honest.worker, 3),
		mean(&honest.validator, 3),
		format!("{}, {}", gini(&honest.worker_gini), gini(&honest.validator_gini)),
		rate(&honest.false_slashes),
	]
}

/// A table, and what its columns mean.
pub fn table(summaries: &[Summary]) -> String {
	let mut rows = vec![HEAD.map(str::to_owned)];
	rows.extend(summaries.iter().map(row));
	let widths: Vec<usize> = (0..HEAD.len())
		.map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
		.collect();
	let mut text = String::new();
	for (index, row) in rows.iter().enumerate() {
		let cells: Vec<String> =
			row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
		let _ = writeln!(text, "| {} |", cells.join(" | "));
		if index == 0 {
			let lines: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
			let _ = writeln!(text, "| {} |", lines.join(" | "));
		}
	}
	text.push_str(LEGEND);
	text.push_str(&sums(summaries));
	for summary in summaries {
		for (reason, count) in &summary.honest.refused {
			let name = summary.setting.strategy.name();
			let _ = writeln!(text, "refused {count} times to honest players ({name}): {reason}");
		}
	}
	text
}

/// What is too little for a column.
fn sums(summaries: &[Summary]) -> String {
	let mut disputes: BTreeMap<&str, u64> = BTreeMap::new();
	for (how, count) in summaries.iter().flat_map(|summary| &summary.disputes) {
		*disputes.entry(how).or_default() += count;
	}
	let list: Vec<String> = disputes.iter().map(|(how, count)| format!("{how} {count}")).collect();
	let lazy = |count: fn(&Summary) -> u64| summaries.iter().map(count).sum::<u64>();
	let slashes = false_slashes(summaries);
	format!(
		"False slashes in all settings: {} of {} answers and verdicts, {} %.\n\
		Disputes of all settings: {}.\nVerdicts without computing: {} made up, {} copied, {} taken by the chain.\n",
		slashes.hits,
		slashes.cases,
		rate(&slashes),
		list.join(", "),
		lazy(|summary| summary.lazy.made_up),
		lazy(|summary| summary.lazy.copied),
		lazy(|summary| summary.lazy.taken),
	)
}

const LEGEND: &str = "
Adversaries: so many workers + validators. Rates are percentages with 95 % intervals, amounts are DOT for a run.
Detected: overturned or rejected before final; what is neither detected nor final ended without enough verdicts.
Predicted: chance to become final as `pallet_poc` reckons it, by the terms of each answer's panel and who takes part; `!`
where what was measured differs by more than chance explains once in 1000 times.
Loss per try: what the adversaries lost for each wrong answer (griefing: for each dispute), beside what right answers
earned them. Per survivor: the same for each wrong answer that became final.
In blocks: from submission to the end, for right answers that became final.
Disputes end in one step of the model that the referee computes, or by silence.
";

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn figures_should_be_rounded_and_without_a_needless_sign() {
		assert_eq!(
			(number(Some(-0.001), 2), number(Some(-0.5), 1), number(None, 1)),
			("0.00".into(), "-0.5".into(), "-".into())
		);
		assert_eq!(rate(&Rate::new(0, 0)), "-");
		assert_eq!(rate(&Rate::new(1, 2)), "50.0 [9.5, 90.5]");
		assert_eq!(mean(&Mean::of(&[1.0, 3.0]), 1), "2.0 ±12.7");
	}
}
