package io.flipout.cli.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flipout.cli.comparison.Arm.Sweep;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArmTest {

    private static final Sweep STRENGTHS = new Sweep("hoyer-strength", List.of("1e-7", "1e-6"));

    private static List<Arm> parse(String text) {
        return Arm.parse(
                text,
                method ->
                        switch (method) {
                            case "hoyer-square" -> Optional.of(STRENGTHS);
                            case "layer-magnitude" -> Optional.of(new Sweep("quality", List.of()));
                            default -> Optional.empty();
                        });
    }

    @Test
    void aMethodAloneIsAnArm() {
        assertThat(parse("random")).containsExactly(new Arm("random", "random", Map.of(), null));
    }

    @Test
    void severalValuesOfAnOptionAreSeveralArms() {
        assertThat(parse("flipout:p=1/2:noise=0"))
                .containsExactly(
                        new Arm(
                                "flipout p=1 noise=0",
                                "flipout",
                                Map.of("p", "1", "noise", "0"),
                                null),
                        new Arm(
                                "flipout p=2 noise=0",
                                "flipout",
                                Map.of("p", "2", "noise", "0"),
                                null));
    }

    /** N:M allocations have a colon, which begins no option. */
    @Test
    void aValueMayHaveAColon() {
        assertThat(parse("flipout:allocation=2:4/1:4:noise=0"))
                .containsExactly(
                        new Arm(
                                "flipout allocation=2:4 noise=0",
                                "flipout",
                                Map.of("allocation", "2:4", "noise", "0"),
                                null),
                        new Arm(
                                "flipout allocation=1:4 noise=0",
                                "flipout",
                                Map.of("allocation", "1:4", "noise", "0"),
                                null));
    }

    @Test
    void aMethodWithoutAimIsSweptByDefaultOrOverGivenValues() {
        assertThat(parse("hoyer-square"))
                .containsExactly(new Arm("hoyer-square", "hoyer-square", Map.of(), STRENGTHS));
        assertThat(parse("hoyer-square:hoyer-strength=1e-4/1e-3:hoyer-scope=all"))
                .containsExactly(
                        new Arm(
                                "hoyer-square hoyer-scope=all",
                                "hoyer-square",
                                Map.of("hoyer-scope", "all"),
                                new Sweep("hoyer-strength", List.of("1e-4", "1e-3"))));
    }

    @Test
    void aMethodThatMayAimIsSweptOnlyOnDemand() {
        assertThat(parse("layer-magnitude"))
                .containsExactly(new Arm("layer-magnitude", "layer-magnitude", Map.of(), null));
        assertThat(parse("layer-magnitude:quality=0.5/1"))
                .containsExactly(
                        new Arm(
                                "layer-magnitude",
                                "layer-magnitude",
                                Map.of(),
                                new Sweep("quality", List.of("0.5", "1"))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"flipout:p", "flipout:", "flipout:p=", "flipout:=1", "flipout:p=1=2"})
    void otherTextsAreRefused(String text) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "'"
                                + text
                                + "' is not of the form NAME:OPTION=VALUE, such as flipout:noise=0"
                                + " or flipout:p=1/2.");
    }
}
