//! Widgets that several views share.

use egui::{
    Align, Button, CornerRadius, Frame, Label, Layout, Response, RichText, Role, Sense, Sides,
    Stroke, StrokeKind, Ui, WidgetInfo, WidgetText, vec2,
};

use crate::theme::{self, Palette};

/// Colour of a pill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warning,
    Bad,
    Plain,
}

/// A frame across the page.
pub(super) fn card<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    card_with(ui, theme::palette(ui).border, add)
}

/// A card with an accent-coloured outline.
pub(super) fn accent_card<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    card_with(ui, theme::palette(ui).accent, add)
}

/// A card with an outline in this colour.
pub(super) fn card_with<R>(ui: &mut Ui, line: egui::Color32, add: impl FnOnce(&mut Ui) -> R) -> R {
    let inner = Frame::new()
        .fill(theme::palette(ui).card)
        .stroke(Stroke::new(1.0, line))
        .corner_radius(theme::CARD_RADIUS)
        .inner_margin(theme::CARD_MARGIN)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            add(ui)
        })
        .inner;
    ui.add_space(theme::GAP - ui.spacing().item_spacing.y);
    inner
}

/// Title and subtitle of a page, with buttons on the right, from right to left.
pub(super) fn header(ui: &mut Ui, title: &str, below: &str, actions: impl FnOnce(&mut Ui)) {
    let weak = theme::palette(ui).weak;
    Sides::new().height(50.0).shrink_left().wrap().show(
        ui,
        |ui| {
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                ui.add(Label::new(RichText::new(title).heading()).extend());
                ui.add(Label::new(RichText::new(below).color(weak)).wrap());
            });
        },
        actions,
    );
    ui.add_space(theme::GAP - 2.0);
}

/// The main button of a page or card.
pub(super) fn primary(ui: &mut Ui, enabled: bool, text: &str) -> Response {
    let palette = theme::palette(ui);
    let button = Button::new(
        RichText::new(text)
            .text_style(theme::emphasis())
            .color(palette.on_accent),
    )
    .fill(palette.accent)
    .stroke(Stroke::NONE);
    let response = ui.add_enabled(enabled, button);
    focus_ring(ui, &response, palette);
    response
}

pub(super) fn button(ui: &mut Ui, enabled: bool, text: &str) -> Response {
    ui.add_enabled(enabled, Button::new(text))
}

/// A button that looks like a link.
pub(super) fn link(ui: &mut Ui, text: &str) -> Response {
    let palette = theme::palette(ui);
    let button = Button::new(RichText::new(text).color(palette.accent)).frame(false);
    let response = compact(ui, |ui| ui.add(button));
    focus_ring(ui, &response, palette);
    if response.hovered() {
        let (rect, line) = (response.rect, Stroke::new(1.0, palette.accent));
        ui.painter()
            .hline(rect.x_range(), rect.center().y + 9.0, line);
    }
    response
}

/// Draws frameless buttons, which are lower than framed ones.
pub(super) fn compact<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 24.0;
        add(ui)
    })
    .inner
}

/// Draws a focus ring around a widget without a frame of its own.
pub(super) fn focus_ring(ui: &Ui, response: &Response, palette: &Palette) {
    if response.has_focus() {
        let rect = response.rect.expand(3.0);
        let line = Stroke::new(2.0, palette.accent);
        ui.painter().rect_stroke(
            rect,
            CornerRadius::same(theme::RADIUS + 2),
            line,
            StrokeKind::Middle,
        );
    }
}

/// A word on a coloured background.
pub(super) fn pill(ui: &mut Ui, text: &str, tone: Tone) -> Response {
    let palette = theme::palette(ui);
    let (ink, ground) = match tone {
        Tone::Good => (palette.accent, palette.accent_ground),
        Tone::Warning => (palette.warning, palette.warning_ground),
        Tone::Bad => (palette.bad, palette.bad_ground),
        Tone::Plain => (palette.weak, palette.hover),
    };
    let galley = ui.painter().layout_no_wrap(
        text.to_owned(),
        egui::TextStyle::Small.resolve(ui.style()),
        ink,
    );
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(20.0, 6.0), Sense::hover());
    ui.painter().rect_filled(rect, rect.height() / 2.0, ground);
    ui.painter().galley(rect.min + vec2(10.0, 3.0), galley, ink);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    response
}

/// A progress bar with a name for screen readers.
pub(super) fn bar(ui: &mut Ui, fraction: f32, size: egui::Vec2, name: &str) -> Response {
    let palette = theme::palette(ui);
    let fraction = if fraction.is_finite() {
        fraction.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let radius = size.y / 2.0;
    ui.painter().rect_filled(rect, radius, palette.track);
    if fraction > 0.0 {
        let mut full = rect;
        full.set_width((size.x * fraction).max(size.y));
        ui.painter().rect_filled(full, radius, palette.accent);
    }
    response.widget_info(|| WidgetInfo {
        value: Some(f64::from(fraction)),
        ..WidgetInfo::labeled(Role::ProgressIndicator, true, name)
    });
    response
}

/// Secondary text.
pub(super) fn weak(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = theme::palette(ui).weak;
    ui.add(Label::new(RichText::new(text).color(color)).wrap())
}

/// Small secondary text.
pub(super) fn small(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = theme::palette(ui).weak;
    ui.add(Label::new(RichText::new(text).small().color(color)))
}

/// Title of a card.
pub(super) fn title(ui: &mut Ui, text: &str) -> Response {
    ui.label(RichText::new(text).text_style(theme::title()))
}

/// One line of text in a column of fixed width; longer text is truncated and shown on hover.
pub(super) fn cell(ui: &mut Ui, width: f32, text: impl Into<WidgetText>) {
    let size = vec2(width, ui.text_style_height(&egui::TextStyle::Body) + 4.0);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.add(Label::new(text).truncate());
    });
}

/// A narrow strip across the page: a sentence, with buttons on the right, from right to left.
pub(super) fn banner(ui: &mut Ui, text: &str, actions: impl FnOnce(&mut Ui)) {
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.accent_ground)
        .corner_radius(theme::RADIUS)
        .inner_margin(egui::Margin::symmetric(14, 6))
        .show(ui, |ui| {
            Sides::new().height(34.0).shrink_left().wrap().show(
                ui,
                |ui| {
                    ui.add(Label::new(RichText::new(text).color(palette.ink)).wrap());
                },
                actions,
            );
        });
    ui.add_space(theme::GAP - ui.spacing().item_spacing.y);
}

/// A radio button in the shape of a button.
pub(super) fn choice(ui: &mut Ui, text: &str, chosen: bool) -> Response {
    let palette = theme::palette(ui);
    let ink = if chosen { palette.accent } else { palette.ink };
    let line = if chosen {
        palette.accent
    } else {
        palette.border
    };
    let button = Button::new(RichText::new(text).color(ink)).stroke(Stroke::new(1.0, line));
    let response = ui.add(button);
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, chosen, text));
    focus_ring(ui, &response, palette);
    response
}

/// A small, frameless radio button.
pub(super) fn chip(ui: &mut Ui, text: &str, chosen: bool) -> Response {
    let palette = theme::palette(ui);
    let (ink, ground) = if chosen {
        (palette.accent, palette.accent_ground)
    } else {
        (palette.weak, egui::Color32::TRANSPARENT)
    };
    let button = Button::new(RichText::new(text).small().color(ink))
        .fill(ground)
        .stroke(Stroke::NONE)
        .corner_radius(12.0);
    let response = compact(ui, |ui| {
        ui.spacing_mut().button_padding = vec2(10.0, 3.0);
        ui.add(button)
    });
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, chosen, text));
    focus_ring(ui, &response, palette);
    response
}

/// Names a widget for screen readers.
pub(super) fn name(ui: &Ui, response: &Response, name: &str) {
    ui.ctx()
        .accesskit_node_builder(response.id, |node| node.set_label(name));
}

/// Lays out a text on one line, truncated at `width`.
pub(super) fn one_line(
    ui: &Ui,
    text: &str,
    style: egui::TextStyle,
    ink: egui::Color32,
    width: f32,
) -> std::sync::Arc<egui::Galley> {
    let mut job =
        egui::text::LayoutJob::simple_singleline(text.to_owned(), style.resolve(ui.style()), ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(20.0));
    ui.painter().layout_job(job)
}

/// A modal sheet over the window. Returns whether the user closed it.
pub(super) fn sheet(ui: &Ui, salt: &str, width: f32, add: impl FnOnce(&mut Ui)) -> Closed {
    let palette = theme::palette(ui);
    let screen = ui.ctx().content_rect();
    let frame = Frame::new()
        .fill(palette.card)
        .stroke(Stroke::new(1.0, palette.border))
        .corner_radius(theme::CARD_RADIUS)
        .inner_margin(egui::Margin::symmetric(22, 18));
    let response = egui::Modal::new(egui::Id::unique(salt))
        .frame(frame)
        .backdrop_color(egui::Color32::from_black_alpha(110))
        .show(ui.ctx(), |ui| {
            ui.set_width(width.min(screen.width() - 80.0));
            // egui limits the height of areas by default, which would cut off the content.
            ui.set_max_height(screen.height() - 120.0);
            egui::ScrollArea::vertical()
                .max_height(screen.height() - 120.0)
                .min_scrolled_height(screen.height() - 120.0)
                .show(ui, |ui| {
                    // Keep the content clear of the scroll bar.
                    ui.set_max_width(ui.available_width() - 10.0);
                    add(ui);
                });
        });
    // The size is known only after a frame, so redraw until it no longer changes.
    let id = egui::Id::unique(salt).with("size");
    let size = response.response.rect;
    if ui.data(|data| data.get_temp(id)) != Some(size) {
        ui.data_mut(|data| data.insert_temp(id, size));
        ui.ctx().request_repaint();
    }
    match (
        response.should_close(),
        response.backdrop_response.clicked(),
    ) {
        (false, _) => Closed::No,
        (true, true) => Closed::Beside,
        (true, false) => Closed::ByKey,
    }
}

/// Whether and how the user closed a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    No,
    /// By a click beside the sheet. Sheets with edited text ignore this.
    Beside,
    /// By Esc.
    ByKey,
}
