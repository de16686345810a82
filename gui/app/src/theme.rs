//! Colours, fonts and spacing.

use std::sync::Arc;

use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, FontTweak,
    Margin, Stroke, Style, TextStyle, Theme, ThemePreference, Ui, Visuals,
    epaint::text::VariationCoords, style::WidgetVisuals, vec2,
};

use crate::state::Appearance;

/// The colours of one theme. Text has a contrast of at least 4.5:1 on every background it is used on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Background of the window.
    pub ground: Color32,
    /// Background of the left rail.
    pub rail: Color32,
    /// Background of cards, buttons and text boxes.
    pub card: Color32,
    /// Background under the pointer.
    pub hover: Color32,
    /// Outlines.
    pub border: Color32,
    /// Text.
    pub ink: Color32,
    /// Secondary text.
    pub weak: Color32,
    /// Links, progress and selections.
    pub accent: Color32,
    /// Background in the accent colour.
    pub accent_ground: Color32,
    /// Text on the accent colour.
    pub on_accent: Color32,
    pub warning: Color32,
    pub warning_ground: Color32,
    /// Errors.
    pub bad: Color32,
    pub bad_ground: Color32,
    /// Background of highlighted words.
    pub mark: Color32,
    /// Empty part of a progress bar.
    pub track: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const LIGHT: Palette = Palette {
    ground: rgb(0xf7f7f5),
    rail: rgb(0xeeeeea),
    card: rgb(0xffffff),
    hover: rgb(0xf0f0ec),
    border: rgb(0xdcdcd7),
    ink: rgb(0x1b1d1c),
    weak: rgb(0x5f6361),
    accent: rgb(0x1f6f5c),
    accent_ground: rgb(0xdfede7),
    on_accent: rgb(0xffffff),
    warning: rgb(0x855300),
    warning_ground: rgb(0xfbf0d9),
    bad: rgb(0xa12622),
    bad_ground: rgb(0xfae3e1),
    mark: rgb(0xfbeeb8),
    track: rgb(0xdcdcd7),
};

const DARK: Palette = Palette {
    ground: rgb(0x18191a),
    rail: rgb(0x131415),
    card: rgb(0x1f2224),
    hover: rgb(0x282c2e),
    border: rgb(0x33383a),
    ink: rgb(0xe8eae9),
    weak: rgb(0xa0a6a4),
    accent: rgb(0x5cc8a6),
    accent_ground: rgb(0x1f3b32),
    on_accent: rgb(0x0d1f19),
    warning: rgb(0xe3b25a),
    warning_ground: rgb(0x3a2e14),
    bad: rgb(0xf29a90),
    bad_ground: rgb(0x43211e),
    mark: rgb(0x5a4a14),
    track: rgb(0x33383a),
};

/// Corner radius of cards.
pub const CARD_RADIUS: u8 = 10;
/// Corner radius of buttons and text boxes.
pub const RADIUS: u8 = 8;
pub const CARD_MARGIN: Margin = Margin::symmetric(18, 16);
/// Space between cards.
pub const GAP: f32 = 14.0;
pub const PAGE_MARGIN: Margin = Margin {
    left: 34,
    right: 34,
    top: 26,
    bottom: 20,
};
pub const RAIL_WIDTH: f32 = 211.0;

/// Colours of the current theme.
pub fn palette(ui: &Ui) -> &'static Palette {
    palette_of(ui.visuals().dark_mode)
}

fn palette_of(dark: bool) -> &'static Palette {
    if dark { &DARK } else { &LIGHT }
}

pub fn preference(appearance: Appearance) -> ThemePreference {
    match appearance {
        Appearance::System => ThemePreference::System,
        Appearance::Light => ThemePreference::Light,
        Appearance::Dark => ThemePreference::Dark,
    }
}

/// Semibold font family.
pub fn strong() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// Titles of cards.
pub fn title() -> TextStyle {
    TextStyle::Name("title".into())
}

/// Emphasized text.
pub fn emphasis() -> TextStyle {
    TextStyle::Name("emphasis".into())
}

pub fn figure() -> TextStyle {
    TextStyle::Name("figure".into())
}

pub fn search() -> TextStyle {
    TextStyle::Name("search".into())
}

/// Installs fonts, colours and spacing of both themes.
pub fn install(ctx: &Context) {
    ctx.set_fonts(fonts());
    ctx.options_mut(|options| options.fallback_theme = Theme::Light);
    for theme in [Theme::Light, Theme::Dark] {
        ctx.style_mut_of(theme, |style| {
            set_style(style, palette_of(theme == Theme::Dark));
        });
    }
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let regular = FontData::from_static(include_bytes!("../../../assets/fonts/Inter.ttf"));
    let mut half_bold = regular.clone();
    half_bold.tweak = FontTweak {
        coords: VariationCoords::new([(b"wght", 600.0)]),
        ..FontTweak::default()
    };
    fonts
        .font_data
        .insert("inter".to_owned(), Arc::new(regular));
    fonts
        .font_data
        .insert("inter-strong".to_owned(), Arc::new(half_bold));
    let fallback = fonts
        .families
        .get(&FontFamily::Proportional)
        .cloned()
        .unwrap_or_default();
    let with = |first: &str| {
        core::iter::once(first.to_owned())
            .chain(fallback.iter().cloned())
            .collect::<Vec<_>>()
    };
    fonts.families.insert(strong(), with("inter-strong"));
    fonts
        .families
        .insert(FontFamily::Proportional, with("inter"));
    fonts
}

fn set_style(style: &mut Style, palette: &Palette) {
    let regular = FontId::proportional;
    let half_bold = |size| FontId::new(size, strong());
    style.text_styles = [
        (TextStyle::Small, regular(12.5)),
        (TextStyle::Body, regular(14.0)),
        (TextStyle::Button, regular(14.0)),
        (TextStyle::Monospace, FontId::monospace(12.5)),
        (TextStyle::Heading, half_bold(22.0)),
        (title(), half_bold(15.0)),
        (emphasis(), half_bold(14.0)),
        (figure(), half_bold(30.0)),
        (search(), regular(17.0)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(8.0, 6.0);
    spacing.button_padding = vec2(14.0, 8.0);
    spacing.interact_size.y = 34.0;
    spacing.scroll.bar_width = 8.0;
    style.interaction.selectable_labels = true;
    style.visuals = visuals(palette);
}

fn visuals(palette: &Palette) -> Visuals {
    let mut visuals = if palette.ground == DARK.ground {
        Visuals::dark()
    } else {
        Visuals::light()
    };
    visuals.override_text_color = None;
    visuals.weak_text_color = Some(palette.weak);
    visuals.panel_fill = palette.ground;
    visuals.window_fill = palette.card;
    visuals.window_stroke = Stroke::new(1.0, palette.border);
    visuals.extreme_bg_color = palette.card;
    visuals.text_edit_bg_color = Some(palette.card);
    visuals.faint_bg_color = palette.hover;
    visuals.code_bg_color = palette.hover;
    visuals.hyperlink_color = palette.accent;
    visuals.warn_fg_color = palette.warning;
    visuals.error_fg_color = palette.bad;
    visuals.selection.bg_fill = palette.accent_ground;
    visuals.slider_trailing_fill = true;
    visuals.selection.stroke = Stroke::new(1.5, palette.accent);
    visuals.text_cursor.stroke = Stroke::new(2.0, palette.accent);
    visuals.striped = false;
    // Disabled text must stay readable.
    visuals.disabled_alpha = 0.62;
    let state = |fill, line: Color32, width, text| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(width, line),
        corner_radius: CornerRadius::same(RADIUS),
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let widgets = &mut visuals.widgets;
    widgets.noninteractive = state(palette.card, palette.border, 1.0, palette.ink);
    widgets.inactive = state(palette.card, palette.border, 1.0, palette.ink);
    widgets.hovered = state(palette.hover, palette.weak, 1.0, palette.ink);
    // Also the state of the focused widget, which must stand out.
    widgets.active = state(palette.hover, palette.accent, 2.0, palette.ink);
    widgets.open = widgets.hovered;
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(color: Color32) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(color.r()) + 0.7152 * channel(color.g()) + 0.0722 * channel(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_colours_have_enough_contrast() {
        for p in [LIGHT, DARK] {
            let grounds = [p.ground, p.rail, p.card, p.hover];
            let mut pairs: Vec<(Color32, Color32)> = [p.ink, p.weak, p.accent]
                .iter()
                .flat_map(|text| grounds.iter().map(|ground| (*text, *ground)))
                .collect();
            pairs.extend([
                (p.accent, p.accent_ground),
                (p.ink, p.accent_ground),
                (p.on_accent, p.accent),
                (p.warning, p.warning_ground),
                (p.warning, p.card),
                (p.bad, p.bad_ground),
                (p.bad, p.card),
                (p.ink, p.bad_ground),
                (p.ink, p.mark),
            ]);
            for (text, ground) in pairs {
                assert!(
                    contrast(text, ground) >= 4.5,
                    "{text:?} on {ground:?}: {:.2}",
                    contrast(text, ground)
                );
            }
        }
    }
}
