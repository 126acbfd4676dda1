package io.flipout.djl.torchscript;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the code of a file tells of its classes. */
final class ModuleSource {

    /** Calls of convolutions, with the groups among their arguments. */
    private static final List<Pattern> CONVOLUTIONS =
            List.of(
                    Pattern.compile("torch\\.conv[123]d\\(.*, (\\d+)\\)"),
                    Pattern.compile("torch\\.conv_transpose[123]d\\(.*, (\\d+), \\["),
                    // As a trace writes it, the same for both kinds.
                    Pattern.compile(
                            "torch\\._convolution\\(.*(?:True|False), \\[[^]]*\\], (\\d+), "));

    private ModuleSource() {}

    /** Returns the groups of the convolution that a class computes; 1 where there is none. */
    static int groups(String code, String type) {
        int start = code.indexOf("class " + type + "(");
        int end = code.indexOf("\nclass ", start + 1);
        String body = start < 0 ? "" : code.substring(start, end < 0 ? code.length() : end);
        for (Pattern call : CONVOLUTIONS) {
            Matcher matcher = call.matcher(body);
            if (matcher.find() && matcher.group(1).length() < 7) {
                return Math.max(1, Integer.parseInt(matcher.group(1)));
            }
        }
        return 1;
    }
}
