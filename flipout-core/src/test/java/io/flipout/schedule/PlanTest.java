package io.flipout.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flipout.schedule.PruningEvent.Unit;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanTest {

    /** Events of 100 weights, each as {@code epoch:keep}. */
    private static Schedule schedule(String... events) {
        return weights ->
                Arrays.stream(events)
                        .map(event -> event.split(":"))
                        .map(
                                event ->
                                        new PruningEvent(
                                                Unit.EPOCH,
                                                Long.parseLong(event[0]),
                                                Long.parseLong(event[1])))
                        .toList();
    }

    @Test
    void whatIsInOrderIsTakenAsItIs() {
        Schedule schedule = schedule("0:100", "1:100", "1:50", "7:50", "8:1");
        assertThat(Plan.of(schedule, 100)).isEqualTo(schedule.events(100));
        assertThat(Plan.of(Schedule.none(), 100)).isEmpty();
        List<PruningEvent> mixed =
                List.of(new PruningEvent(Unit.EPOCH, 3, 50), new PruningEvent(Unit.STEP, 1, 50));
        assertThat(Plan.of(weights -> mixed, 100)).isEqualTo(mixed);
    }

    @ParameterizedTest
    @CsvSource({
        "2:50 1:25,  down to 25 weights after epoch 1 comes after one at 2",
        "1:25 2:50,  down to 50 weights after epoch 2 keeps more than the 25 that are alive",
        "1:101,      down to 101 weights after epoch 1 keeps more than the 100 that are alive",
        "1:0,        down to 0 weights after epoch 1 keeps no weight",
        "1:-5,       keeps no weight",
        "-1:50,      is planned for a time before the training begins",
    })
    void whatIsWrongIsNamed(String events, String message) {
        assertThatThrownBy(() -> Plan.of(schedule(events.split(" ")), 100))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }
}
