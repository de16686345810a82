//! The two plots of a training run: right answer first, and error.

use egui::{Align2, Color32, FontId, RichText, Stroke, Ui, vec2};
use egui_plot::{
    AxisHints, GridInput, GridMark, HoverPosition, Line, LineStyle, Plot, PlotPoint, PlotPoints,
    PlotUi, Points, Text,
};

use super::widget;
use crate::{
    state::{Epoch, Training},
    text, theme,
};

/// Most points drawn per line, more than a screen can show.
const MOST_POINTS: usize = 2000;
const HEIGHT: f32 = 190.0;

/// Accuracy on training and test questions, out of 100.
pub(super) fn accuracy_plot(ui: &mut Ui, training: &Training) {
    let palette = theme::palette(ui);
    headline(ui, text::train::FIRST, text::train::FIRST_UNIT);
    let (train, check) = (
        series(training, |epoch| epoch.train),
        series(training, |epoch| epoch.check),
    );
    let of_hundred = |points: Vec<[f64; 2]>| {
        points
            .into_iter()
            .map(|[x, y]| [x, y * 100.0])
            .collect::<Vec<_>>()
    };
    let (train, check) = (of_hundred(train), of_hundred(check));
    let has_check = !check.is_empty();
    let last = training
        .epochs
        .last()
        .map_or(0.0, |epoch| epoch.number as f64);
    let gap = 0.03 * spread(train.iter().chain(&check).map(|[_, y]| *y));
    let best = training
        .best_epoch()
        .and_then(|epoch| Some([epoch.number as f64, epoch.accuracy()? * 100.0]));
    let (weak, accent) = (palette.weak, palette.accent);
    draw_plot(
        ui,
        "right-answer-first",
        |value| format!("{value:.0}"),
        text::train::point_of_hundred,
        move |plot| {
            plot.line(
                line(text::train::SERIES_TRAIN, train, weak)
                    .style(LineStyle::Dashed { length: 5.0 }),
            );
            plot.line(line(text::train::SERIES_CHECK, check, accent));
            if let Some([x, y]) = best {
                let label = RichText::new(text::train::BEST).size(11.5).color(accent);
                // Below the point, clear of the line, and inside the plot.
                let low = y - gap;
                let anchor = match (x - 1.0) / (last - 1.0).max(1.0) {
                    x if x > 0.8 => Align2::RIGHT_TOP,
                    x if x < 0.2 => Align2::LEFT_TOP,
                    _ => Align2::CENTER_TOP,
                };
                plot.points(
                    Points::new(text::train::BEST, vec![[x, y]])
                        .radius(4.5)
                        .color(accent)
                        .allow_hover(false),
                );
                plot.text(
                    Text::new("best-label", PlotPoint::new(x, low), label)
                        .anchor(anchor)
                        .allow_hover(false),
                );
            }
        },
    );
    ui.horizontal(|ui| {
        legend(ui, text::train::SERIES_TRAIN, weak, true);
        if has_check {
            legend(ui, text::train::SERIES_CHECK, accent, false);
        }
    });
}

/// Loss.
pub(super) fn error_plot(ui: &mut Ui, training: &Training) {
    let palette = theme::palette(ui);
    headline(ui, text::train::ERROR, text::train::ERROR_UNIT);
    let points = series(training, |epoch| epoch.error);
    let weak = palette.weak;
    draw_plot(
        ui,
        "error",
        |value| format!("{}", (value * 1e6).round() / 1e6),
        |value| format!("{value:.3}"),
        move |plot| {
            plot.line(
                line(text::train::SERIES_ERROR, points, weak)
                    .style(LineStyle::Dashed { length: 5.0 }),
            );
        },
    );
    ui.horizontal(|ui| legend(ui, text::train::SERIES_ERROR, weak, true));
}

fn headline(ui: &mut Ui, title: &str, unit: &str) {
    ui.horizontal(|ui| {
        widget::title(ui, title);
        widget::small(ui, unit);
    });
}

fn draw_plot<'a>(
    ui: &mut Ui,
    salt: &str,
    tick: impl Fn(f64) -> String + 'a,
    hover: impl Fn(f64) -> String + 'a,
    add: impl FnOnce(&mut PlotUi<'a>) + 'a,
) {
    let palette = theme::palette(ui);
    let axis = |hints: AxisHints<'a>| {
        hints
            .tick_label_color(palette.weak)
            .tick_label_font(FontId::proportional(11.5))
    };
    Plot::new(salt)
        .height(HEIGHT)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .show_background(false)
        .show_crosshair(false)
        .show_grid([false, true])
        .grid_color(palette.border)
        .set_margin_fraction(vec2(0.02, 0.12))
        .y_grid_spacer(grid_lines)
        .custom_x_axes(vec![axis(
            AxisHints::new_x().formatter(|mark, _| epoch_label(mark.value)),
        )])
        .custom_y_axes(vec![axis(
            AxisHints::new_y().formatter(move |mark, _| tick(mark.value)),
        )])
        .label_formatter(move |position| match position {
            HoverPosition::NearDataPoint {
                plot_name,
                position,
                ..
            } => Some(text::train::point(plot_name, position.x, hover(position.y))),
            HoverPosition::Elsewhere { .. } => None,
        })
        .show(ui, add);
}

/// Difference between the largest and the smallest value.
fn spread(values: impl Iterator<Item = f64>) -> f64 {
    let (least, most) = values.fold((f64::MAX, f64::MIN), |(least, most), value| {
        (least.min(value), most.max(value))
    });
    (most - least).max(0.0)
}

/// About four grid lines, at multiples of 1, 2 or 5 times a power of ten.
fn grid_lines(input: GridInput) -> Vec<GridMark> {
    let (from, to) = input.bounds;
    let raw = (to - from) / 4.0;
    if !(raw.is_finite() && raw > 0.0) {
        return Vec::new();
    }
    let power = 10_f64.powf(raw.log10().floor());
    let step_size = power
        * [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|nice| power * nice >= raw)
            .unwrap_or(10.0);
    let first = (from / step_size).ceil();
    (0..12)
        .map(|place| (first + f64::from(place)) * step_size)
        .take_while(|value| *value <= to)
        .map(|value| GridMark { value, step_size })
        .collect()
}

/// Label of an epoch; empty between epochs.
fn epoch_label(value: f64) -> String {
    if value.fract() == 0.0 && value >= 1.0 {
        format!("{value:.0}")
    } else {
        String::new()
    }
}

fn line<'a>(name: &str, points: Vec<[f64; 2]>, color: Color32) -> Line<'a> {
    Line::new(name, PlotPoints::from(points))
        .color(color)
        .width(2.0)
        .allow_hover(true)
}

fn series(training: &Training, value: impl Fn(&Epoch) -> Option<f64>) -> Vec<[f64; 2]> {
    let step = training.epochs.len().div_ceil(MOST_POINTS).max(1);
    let last = training.epochs.len().saturating_sub(1);
    let epochs = training
        .epochs
        .iter()
        .enumerate()
        .filter(|(place, _)| place % step == 0 || *place == last);
    epochs
        .filter_map(|(_, epoch)| Some([epoch.number as f64, value(epoch)?]))
        .collect()
}

fn legend(ui: &mut Ui, name: &str, color: Color32, dashed: bool) {
    let (rect, _) = ui.allocate_exact_size(vec2(18.0, 12.0), egui::Sense::hover());
    let (from, to) = (rect.left_center(), rect.right_center());
    let stroke = Stroke::new(2.0, color);
    if dashed {
        ui.painter()
            .extend(egui::Shape::dashed_line(&[from, to], stroke, 4.0, 3.0));
    } else {
        ui.painter().line_segment([from, to], stroke);
    }
    widget::small(ui, name);
    ui.add_space(8.0);
}
