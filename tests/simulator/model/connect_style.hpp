#pragma once

#include <string_view>

namespace simulator {

inline constexpr std::string_view connect_style = R"(
:root{color-scheme:light dark;--page:#eef2f1;--card:#fff;--text:#15211f;--quiet:#526360;--line:#cfd9d6;--accent:#0b6b58;--on-accent:#fff;--hover:#f0f6f4;--fault:#a3231b}
@media(prefers-color-scheme:dark){:root{--page:#101716;--card:#19211f;--text:#e7efec;--quiet:#9fb1ac;--line:#364541;--accent:#5fcbb2;--on-accent:#06231c;--hover:#202b28;--fault:#ff9a8f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;gap:1rem;padding:2.5rem 1rem;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,"DejaVu Sans",sans-serif}
main{width:100%;max-width:29rem;background:var(--card);border:1px solid var(--line);border-radius:.9rem;padding:1.75rem}
header{width:100%;max-width:29rem;display:flex;justify-content:space-between;color:var(--quiet);font-size:.9rem}
header b{color:var(--text)}
h1{font-size:1.45rem;line-height:1.25;margin:0 0 .35rem}
.eyebrow{margin:0 0 .2rem;color:var(--accent);font-weight:600;font-size:.9rem}
.lead{margin:0 0 1.4rem;color:var(--quiet)}
ul{list-style:none;margin:0;padding:0;display:grid;gap:.6rem}
ul a{display:flex;align-items:center;gap:.9rem;padding:.8rem .9rem;border:1px solid var(--line);border-radius:.6rem;color:inherit;text-decoration:none}
ul a:hover{background:var(--hover);border-color:var(--accent)}
ul a::after{content:"";flex:none;width:.5rem;height:.5rem;margin-left:auto;border:solid var(--quiet);border-width:2px 2px 0 0;rotate:45deg}
ul small{display:block;color:var(--quiet);font-size:.875rem}
svg{flex:none;width:1.75rem;height:1.75rem;fill:none;stroke:var(--accent);stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
label{display:block;font-weight:600;margin:0 0 .3rem}
input{width:100%;font:inherit;color:inherit;background:transparent;border:1px solid var(--quiet);border-radius:.5rem;padding:.6rem .7rem}
input[aria-invalid=true]{border-color:var(--fault)}
.field{margin:0 0 1.1rem}
.hint,.fault{margin:.3rem 0 0;font-size:.875rem;color:var(--quiet)}
.fault{color:var(--fault);font-weight:600}
button,.button{display:block;width:100%;font:inherit;font-weight:600;text-align:center;text-decoration:none;border:1px solid var(--accent);border-radius:.5rem;padding:.65rem 1rem;background:var(--accent);color:var(--on-accent);cursor:pointer}
nav{display:flex;justify-content:space-between;align-items:center;margin-top:1.4rem;padding-top:1rem;border-top:1px solid var(--line)}
nav a,nav button{width:auto;padding:.2rem 0;border:0;background:none;color:var(--quiet);font-weight:400;text-decoration:underline}
nav form{margin-left:auto}
dl{display:grid;grid-template-columns:auto 1fr;gap:.4rem 1.2rem;margin:0 0 1.4rem;padding:1rem;border:1px solid var(--line);border-radius:.6rem}
dt{color:var(--quiet)}dd{margin:0;font-weight:600}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
footer{color:var(--quiet);font-size:.85rem}
)";

}  // namespace simulator
