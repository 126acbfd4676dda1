/** Reports of comparisons and runs: a page, its figures, and a table to copy. */
package io.flipout.cli.report;
