package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flipout.djl.torchscript.Pickle.Dict;
import io.flipout.djl.torchscript.Pickle.Global;
import io.flipout.djl.torchscript.Pickle.Instance;
import io.flipout.djl.torchscript.Pickle.Tuple;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class PickleTest {

    private static Object read(String pickle) {
        return PickleReader.read(pickle.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Test
    void whatIsWrittenIsRead() {
        List<Object> list = new ArrayList<>(Arrays.asList(1L, -2L, 1L << 40, -1L << 40, 0.5, null));
        list.add(true);
        list.add("\u00fc");
        Instance shared = new Instance(new Global("__torch__", "Part"));
        shared.build(new Dict(List.of("list", list)));
        Tuple whole = new Tuple(List.of(shared, shared, new Tuple(List.of()), list));

        Tuple read = (Tuple) PickleReader.read(new PickleWriter().value(whole).finish());

        Instance part = (Instance) read.items().get(0);
        assertThat(read.items().get(1)).isSameAs(part);
        assertThat(part.type()).isEqualTo(shared.type());
        assertThat(((Dict) part.state()).entries()).isEqualTo(List.of("list", list));
        assertThat(((Dict) part.state()).entries().get(1)).isSameAs(read.items().get(3));
    }

    /** As Python itself writes them: pickle.dumps(..., 2) of the values. */
    @Test
    void pythonsOwnAreRead() {
        assertThat(read("\u0080\u0002K\u0007.")).isEqualTo(7L);
        assertThat(read("\u0080\u0002M\u00e8\u0003.")).isEqualTo(1000L);
        assertThat(read("\u0080\u0002J\u00ff\u00ff\u00ff\u00ff.")).isEqualTo(-1L);
        assertThat(read("\u0080\u0002\u008a\u0005\u0000\u0000\u0000\u0000\u0001."))
                .isEqualTo(1L << 32);
        assertThat(read("\u0080\u0002K\u0001K\u0002\u0086q\u0000."))
                .isEqualTo(new Tuple(List.of(1L, 2L)));
        assertThat(read("\u0080\u0002]q\u0000(K\u0001K\u0002e.")).isEqualTo(List.of(1L, 2L));
    }

    @Test
    void whatIsNoPickleIsRefused() {
        for (String bad :
                List.of(
                        "",
                        "\u0080\u0002",
                        "\u0080\u0002t.",
                        "\u0080\u0002h\u0000.",
                        "3",
                        "\u0080\u0002X\u00ff\u00ff\u00ff\u007fa.",
                        "\u0080\u0002K\u0001R.",
                        "\u0080\u0002(K\u0001u.",
                        "\u0080\u0002b.",
                        "c\n")) {
            assertThatThrownBy(() -> read(bad)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
