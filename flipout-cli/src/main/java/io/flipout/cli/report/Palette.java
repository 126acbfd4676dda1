package io.flipout.cli.report;

import io.flipout.cli.comparison.Arm;
import java.awt.BasicStroke;
import java.awt.Color;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The colour and form of each arm, the same in all figures of a report. The colours are those of
 * Okabe and Ito, which people with any colour vision tell apart.
 */
final class Palette {

    static final Color BLUE = new Color(0x0072B2);
    static final Color VERMILLION = new Color(0xD55E00);

    /** What is no arm: the dense network, and keys of legends. */
    static final Color NEUTRAL = new Color(0x595959);

    private static final List<Color> COLORS =
            List.of(
                    BLUE,
                    VERMILLION,
                    new Color(0x009E73),
                    new Color(0xCC79A7),
                    new Color(0xE69F00),
                    new Color(0x56B4E9),
                    new Color(0x7A4B1E));

    private static final float[] DASHES = {6, 4};

    private final Map<Arm, Integer> places = new HashMap<>();

    Palette(List<Arm> arms) {
        arms.stream()
                .filter(arm -> !arm.isDense())
                .forEach(arm -> places.putIfAbsent(arm, places.size()));
    }

    Color color(Arm arm) {
        return arm.isDense() ? NEUTRAL : COLORS.get(places.get(arm) % COLORS.size());
    }

    /** Forms repeat earlier than colours, so that no two arms of 35 share both. */
    Symbol.Form form(Arm arm) {
        Symbol.Form[] forms = Symbol.Form.values();
        return arm.isDense() ? Symbol.Form.CIRCLE : forms[places.get(arm) % forms.length];
    }

    /** Lines are dashed where their colours come again. */
    BasicStroke stroke(Arm arm, float width) {
        boolean again = !arm.isDense() && places.get(arm) >= COLORS.size();
        return new BasicStroke(
                width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, again ? DASHES : null, 0);
    }
}
