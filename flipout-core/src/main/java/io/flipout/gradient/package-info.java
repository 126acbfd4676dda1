/** What a method adds to the gradient before the optimizer sees it. */
package io.flipout.gradient;
