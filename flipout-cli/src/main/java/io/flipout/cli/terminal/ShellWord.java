package io.flipout.cli.terminal;

import java.nio.file.Path;
import java.util.regex.Pattern;

/** Words of commands that a user may copy. */
public final class ShellWord {

    private static final Pattern PLAIN = Pattern.compile("[\\p{L}\\p{N}_@%+=:,./-]+");

    private ShellWord() {}

    /** Writes a path so that a shell takes it as one word: in quotes where it needs them. */
    public static String of(Path path) {
        return of(path.toString());
    }

    /** Writes a text so that a shell takes it as one word: in quotes where it needs them. */
    public static String of(String text) {
        boolean isPlain = PLAIN.matcher(text).matches() && !text.startsWith("-");
        return isPlain ? text : "'" + text.replace("'", "'\\''") + "'";
    }
}
