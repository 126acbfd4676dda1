package io.flipout.mask;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flipout.Trained;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MaskTest {

    @Test
    void beginsWithEveryWeightAlive() {
        Mask mask = new Mask(3);

        assertThat(mask.size()).isEqualTo(3);
        assertThat(mask.remaining()).isEqualTo(3);
        assertThat(mask.isDense()).isTrue();
        assertThat(mask.bytes()).containsExactly(1, 1, 1);
    }

    @Test
    void prunesAWeightOnceAndForGood() {
        Mask mask = new Mask(3);
        mask.prune(1);
        mask.prune(1);

        assertThat(mask.remaining()).isEqualTo(2);
        assertThat(mask.isDense()).isFalse();
        assertThat(mask.isAlive(1)).isFalse();
        assertThat(mask.bytes()).containsExactly(1, 0, 1);
    }

    /** Sizes about whole groups of eight, with weights that are pruned already. */
    @Test
    void prunesManyWeightsAsOneByOne() {
        for (int size : new int[] {1, 7, 8, 9, 16, 30}) {
            Mask many = new Mask(size);
            Mask single = new Mask(size);
            many.prune(0);
            single.prune(0);
            byte[] goes = new byte[size];
            for (int i = 0; i < size; i += 3) {
                goes[i] = 1;
                single.prune(i);
            }
            int version = many.version();
            many.prune(goes);

            assertThat(many.bytes()).isEqualTo(single.bytes());
            assertThat(many.remaining()).isEqualTo(single.remaining());
            assertThat(many.version() != version).isEqualTo(size > 3);
            int pruned = many.version();
            many.prune(goes);
            assertThat(many.version()).isEqualTo(pruned);
        }
        assertThatThrownBy(() -> new Mask(3).prune(new byte[2]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("A mask of 3 weights cannot prune of 2");
    }

    @Test
    void aPrunedWeightCanBeRevivedOnce() {
        Mask mask = new Mask(3);
        mask.prune(1);
        int pruned = mask.version();
        mask.revive(0);
        assertThat(mask.version()).isEqualTo(pruned);
        mask.revive(1);
        mask.revive(1);

        assertThat(mask.version()).isNotEqualTo(pruned);
        assertThat(mask.remaining()).isEqualTo(3);
        assertThat(mask.isDense()).isTrue();
        assertThat(mask.bytes()).containsExactly(1, 1, 1);
    }

    @Test
    void weightsThatAre0AreReadAsPruned() {
        Mask mask = new Mask(4);
        mask.prune(3);
        mask.read(new float[] {0, 1, -0f, Float.NaN});
        assertThat(mask.bytes()).containsExactly(0, 1, 0, 1);
        assertThat(mask.remaining()).isEqualTo(2);
        int version = mask.version();
        mask.read(new float[] {0, 2, 0, 3});
        assertThat(mask.version()).isEqualTo(version);
        assertThatThrownBy(() -> mask.read(new float[3]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("A mask of 4 weights cannot tell of 3");
    }

    @Test
    void bitsAreTheWholeMask() {
        Mask mask = new Mask(11);
        mask.prune(0);
        mask.prune(9);
        // Weights 1 to 7, then 8 and 10.
        assertThat(mask.toBits()).containsExactly((byte) 0b1111_1110, (byte) 0b101);

        Mask other = new Mask(11);
        int dense = other.version();
        other.setBits(mask.toBits());
        assertThat(other.bytes()).isEqualTo(mask.bytes());
        assertThat(other.remaining()).isEqualTo(9);
        assertThat(other.version()).isNotEqualTo(dense);
        assertThatThrownBy(() -> other.setBits(new byte[3]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("A mask of 11 weights does not have 3 bytes of bits.");
    }

    @Test
    void versionChangesExactlyWhenTheMaskDoes() {
        Mask mask = new Mask(3);
        int dense = mask.version();
        mask.prune(2);
        int pruned = mask.version();
        mask.prune(2);

        assertThat(pruned).isNotEqualTo(dense);
        assertThat(mask.version()).isEqualTo(pruned);
    }

    @Test
    void needsAWeight() {
        assertThatThrownBy(() -> new Mask(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at least one weight");
    }

    /** A stale copy on a device would be taken for the mask. */
    @Test
    void aVersionNeverComesAgain() {
        Mask mask = new Mask(9);
        byte[] dense = mask.toBits();
        List<Integer> versions = new ArrayList<>(List.of(mask.version()));
        mask.prune(1);
        versions.add(mask.version());
        mask.setBits(dense);
        versions.add(mask.version());
        mask.prune(1);
        versions.add(mask.version());
        mask.revive(1);
        versions.add(mask.version());
        assertThat(versions).doesNotHaveDuplicates();
    }

    @Test
    void everyEightWeightsTakeAByte() {
        for (int size = 1; size < 40; size++) {
            Mask mask = new Mask(size);
            assertThat(mask.toBits()).hasSize(size % 8 == 0 ? size / 8 : size / 8 + 1);
            Mask other = Trained.mask(size, 0);
            other.setBits(mask.toBits());
            assertThat(other.isDense()).isTrue();
        }
    }
}
