package io.flipout.cli.option;

import static org.assertj.core.api.Assertions.assertThat;

import io.flipout.cli.Shell;
import io.flipout.djl.Advice;
import java.lang.reflect.Method;
import org.junit.jupiter.api.Test;

/** What the library advises is, on the command line, an option of {@code train}. */
class OptionAdviceTest {

    @Test
    void everyAdviceIsAnOption() throws ReflectiveOperationException {
        String help = Shell.run("train", "--help").out();
        for (Method advice : Advice.class.getMethods()) {
            String option = (String) advice.invoke(new OptionAdvice());
            assertThat(option).as(advice.getName()).startsWith("--");
            assertThat(help)
                    .as(advice.getName())
                    .containsPattern(option.replace("--", "--(\\[no-])?") + "\\b");
        }
    }
}
