package io.flipout.djl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints and the snapshots in them, as files. */
class CheckpointFileTest {

    @TempDir private Path folder;
    private Path file;

    @BeforeEach
    void nameFile() {
        file = folder.resolve("some.safetensors");
    }

    @Test
    void notesAreApartFromTheTextsOfTheTraining() throws IOException {
        Checkpoint.write(
                file,
                Map.of("steps", new long[] {3}),
                Map.of("method", "flipout"),
                Map.of("method", "a note", "run", "7"));
        Checkpoint checkpoint = Checkpoint.read(file);

        assertThat(checkpoint.notes())
                .containsExactlyInAnyOrderEntriesOf(Map.of("method", "a note", "run", "7"));
        assertThat(checkpoint.arrays().metadata()).containsEntry("method", "flipout");
        assertThat(checkpoint.arrays().longs("steps", 1)).containsExactly(3);
    }

    @Test
    void otherFilesAndOtherVersionsAreRefused() throws IOException {
        SafeTensorsWriter.write(file, Map.of(), Map.of());
        assertThatThrownBy(() -> Checkpoint.read(file))
                .isInstanceOf(CheckpointException.class)
                .hasMessage(file + " is no checkpoint of FlipOut.");
        SafeTensorsWriter.write(file, Map.of(), Map.of("format", "flipout-checkpoint 2"));
        assertThatThrownBy(() -> Checkpoint.read(file))
                .isInstanceOf(CheckpointException.class)
                .hasMessage(
                        file
                                + " is a 'flipout-checkpoint 2', and this is for"
                                + " 'flipout-checkpoint 1'.");
    }

    @Test
    void aSnapshotIsAnArrayOrAListOfSnapshots() throws IOException {
        Object snapshot =
                List.of(
                        new float[] {1, 2},
                        List.of(),
                        List.of(new int[] {3}, List.of(new byte[] {4})));
        Map<String, Object> arrays = new LinkedHashMap<>();
        Snapshots.put(arrays, "a", snapshot);
        Snapshots.put(arrays, "b", new long[] {5});
        assertThat(arrays.keySet())
                .containsExactly(
                        "a.size",
                        "a.0",
                        "a.1.size",
                        "a.2.size",
                        "a.2.0",
                        "a.2.1.size",
                        "a.2.1.0",
                        "b");
        SafeTensorsWriter.write(file, arrays, Map.of());
        SafeTensors tensors = SafeTensors.open(file);

        assertThat(Snapshots.contains(tensors, "a")).isTrue();
        assertThat(Snapshots.contains(tensors, "b")).isTrue();
        assertThat(Snapshots.contains(tensors, "c")).isFalse();
        assertThat(Snapshots.get(tensors, "a", 2)).usingRecursiveComparison().isEqualTo(snapshot);
        assertThat((long[]) Snapshots.get(tensors, "b", 1)).containsExactly(5);
        assertThatThrownBy(() -> Snapshots.get(tensors, "a", 1))
                .isInstanceOf(CheckpointException.class);
    }

    @Test
    void aListThatIsLongerThanItsPartsIsRefused() throws IOException {
        SafeTensorsWriter.write(
                file,
                Map.of("a.size", new long[] {2}, "a.0", new long[1], "b.size", new long[0]),
                Map.of());
        SafeTensors tensors = SafeTensors.open(file);
        assertThatThrownBy(() -> Snapshots.get(tensors, "a", 1))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("lacks the array a.1");
        assertThatThrownBy(() -> Snapshots.get(tensors, "b", 1))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("b is damaged");
    }
}
