//! Epochs of the recipe `quaterion` from cached vectors, with training and validation metrics.

use crate::speed::{
    Bench, Failure,
    data::Data,
    rounds::{Contestant, Cost, Rounds, Stamp},
    table::{Goal, Table},
};
use candle_core::Device;
use nearsay::train::{
    Control, Epoch, Event, Fit, Pairs, Recipe, Settings, data::answer_groups, learner::train_head,
};
use nearsay_faq::Row;
use serde_json::json;

/// Epochs per pass, after one that doesn't count.
const EPOCHS: usize = 3;

pub fn run(bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    let (train, val) = pairs(&bench.data)?;
    let settings = Settings::of(Recipe::Quaterion, train.anchors.columns());
    let share = |name, vectors| bench.data.share_vectors(name, vectors);
    let load = json!({
        "anchors": share("anchors.f32", &train.anchors)?,
        "positives": share("positives.f32", &train.positives)?,
        "val_anchors": share("val_anchors.f32", &val.anchors)?,
        "val_positives": share("val_positives.f32", &val.positives)?,
        "dim": train.anchors.columns(),
        "batch": settings.batch,
    });

    let mut contestants = vec![Contestant::new("ours", || epochs(&settings, &train, &val))];
    for (name, script) in [
        ("Quaterion", "head_quaterion.py"),
        ("plain PyTorch", "head_torch.py"),
    ] {
        if let Some(mut peer) = bench.peers.start(name, script, &load) {
            contestants.push(Contestant::new(name, move || {
                peer.pass_of(&json!({ "epochs": EPOCHS }))
            }));
        }
    }
    let rounds = Rounds::run(bench.passes, contestants)?;
    rounds.print("epoch", 1);
    for (goal, name, note) in [
        (Goal::HeadQuaterion, "Quaterion", "of Quaterion 0.1.35"),
        (
            Goal::HeadTorch,
            "plain PyTorch",
            "of plain PyTorch, by the clock",
        ),
    ] {
        if let Some(times) = rounds.times_faster("ours", name) {
            table.found(goal, times, note);
        }
    }
    Ok(())
}

/// Cost of an epoch of Nearsay.
fn epochs(settings: &Settings, train: &Pairs, val: &Pairs) -> Result<Cost, Failure> {
    let settings = settings.clone().with_epochs(EPOCHS + 1);
    let mut ends = Vec::with_capacity(settings.epochs);
    fit(&settings, train, val, &Control::new(), &mut |_| {
        ends.push(Stamp::now());
    })?;
    let (Some(first), Some(last)) = (ends.first(), ends.last()) else {
        return Err("there was no epoch".into());
    };
    Ok(last.since(*first).each(EPOCHS))
}

/// Trains a new head; calls back after each epoch.
pub fn fit(
    settings: &Settings,
    train: &Pairs,
    val: &Pairs,
    control: &Control,
    on_epoch: &mut dyn FnMut(&Epoch),
) -> Result<(), Failure> {
    let mut fit = Fit::new(settings, train, control);
    fit.val = Some(val);
    train_head(&fit, &Device::Cpu, false, &mut |event| {
        if let Event::Epoch(epoch) = &event {
            on_epoch(epoch);
        }
    })?;
    Ok(())
}

/// Cached vectors of the cloud FAQ: training and validation pairs.
pub fn pairs(data: &Data) -> Result<(Pairs, Pairs), Failure> {
    let cloud = data.cloud()?;
    let side = |rows: &[Row], text: fn(&Row) -> &str| {
        let texts: Vec<&str> = rows.iter().map(text).collect();
        data.vectors(&texts)
    };
    let pairs = |rows: &[Row]| -> Result<Pairs, Failure> {
        Ok(Pairs::new(
            side(rows, |row| &row.question)?,
            side(rows, |row| &row.answer)?,
            answer_groups(rows.iter().map(|row| row.answer.as_str())),
        )?)
    };
    Ok((pairs(&cloud.train)?, pairs(&cloud.val)?))
}
