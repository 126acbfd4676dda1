package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.engine.EngineException;
import org.junit.jupiter.api.Test;

class EngineMessagesTest {

    private static String reason(String message) {
        return EngineMessages.reason(new EngineException(message));
    }

    private static final String TRACE =
            """
            The following operation failed in the TorchScript interpreter.
            Traceback of TorchScript, serialized code (most recent call last):
              File "code/__torch__.py", line 12, in forward
                ops.prim.RaiseException("RuntimeError: no")
                ~~~~~~~~~~~~~~~~~~~~~~~ <--- HERE

            Traceback of TorchScript, original code (most recent call last):
              File "net.py", line 3, in forward
                assert x.size(0) == 1
                ~~~~~~~~~~~~~~~~~~~~~ <--- HERE
            """;

    @Test
    void theReasonStandsAfterTheTrace() {
        assertThat(reason(TRACE + "RuntimeError: mat1 and mat2 must have the same dtype\n\n"))
                .isEqualTo("mat1 and mat2 must have the same dtype");
        assertThat(reason(TRACE + "builtins.ValueError: boom: training unsupported\n"))
                .isEqualTo("boom: training unsupported");
        assertThat(reason(TRACE + "RuntimeError: AssertionError: batch of one only"))
                .isEqualTo("batch of one only");
    }

    @Test
    void whatFollowsTheFirstSentenceIsLeftOut() {
        assertThat(
                        reason(
                                TRACE
                                        + "RuntimeError: Could not run 'aten::empty' with arguments"
                                        + " from the 'CUDA' backend. This could be because...\n\n"
                                        + "CPU: registered at build.cpp [kernel]\n"))
                .isEqualTo("Could not run 'aten::empty' with arguments from the 'CUDA' backend");
        assertThat(
                        reason(
                                "forward() is missing value for argument 'y'. Declaration:"
                                        + " forward(Net self) -> Tensor"))
                .isEqualTo("forward() is missing value for argument 'y'");
    }

    @Test
    void withoutTraceItIsTheFirstLine() {
        assertThat(reason("\nexpected ident but found 'class' here:\nclass : Tensor\n"))
                .isEqualTo("expected ident but found 'class' here");
        assertThat(reason(null)).isEqualTo("EngineException");
    }
}
