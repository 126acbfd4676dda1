package io.flipout.mask;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BlockPathsTest {

    @Test
    void aPathIsMadeOfTheNamesOfBlocksAndASharedParameterHasItsFirst() {
        Linear shared = Linear.builder().setUnits(4).build();
        Linear head = Linear.builder().setUnits(2).optBias(false).build();
        SequentialBlock net =
                new SequentialBlock().add(new SequentialBlock().add(shared)).add(shared).add(head);
        try (NDManager manager = NDManager.newBaseManager()) {
            net.initialize(manager, DataType.FLOAT32, new Shape(1, 4));

            Map<String, Parameter> parameters = BlockPaths.parameters(net);
            assertThat(parameters.keySet())
                    .containsExactly(
                            "01SequentialBlock.01Linear.weight",
                            "01SequentialBlock.01Linear.bias",
                            "03Linear.weight");
            assertThat(parameters.get("01SequentialBlock.01Linear.bias"))
                    .isSameAs(shared.getDirectParameters().get("bias"));
            Map<String, Block> owners = BlockPaths.owners(net);
            assertThat(owners.keySet()).containsExactlyElementsOf(parameters.keySet());
            assertThat(owners.values()).containsExactly(shared, shared, head);
        }
    }
}
